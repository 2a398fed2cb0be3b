-- Bounds the wait for a lock, until the end of the transaction.
select set_config('lock_timeout', $1, true)
