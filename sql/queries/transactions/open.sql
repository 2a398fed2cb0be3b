-- Begins a transactional handler's transaction: its settings end with it, and its lock tells whose it is (see
-- migrations/0006-rescue.sql). $1: how many milliseconds it may be idle. $2: the worker. Returns its id.
select pg_current_xact_id()::text as xid,
       set_config('idle_in_transaction_session_timeout', $1, true),
       pg_try_advisory_xact_lock_shared(hashtextextended(:'schema' || ' worker ' || $2::text, 0))
