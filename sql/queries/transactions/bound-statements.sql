-- Bounds how long each statement may take, until the end of the transaction.
select set_config('statement_timeout', $1, true)
