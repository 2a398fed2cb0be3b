-- Locks and fences the row of a job for its transactional handler; no row when the claim is lost. Served by the primary key.
-- The settings end with the transaction: the session is known by the worker's id, and does not outlive its lease by much.
-- "for key share": nobody can end the job, and a command can still write to its row that it is to be cancelled. The
-- advisory lock tells in which session the handler runs: see migrations/0013-commands.sql.
with held as materialized (
  select id
    from :"schema".jobs
   where queue = $1
     and worker_id = $2::uuid
     and id = $3::uuid
     and claim_number = $4::bigint
     for key share
)
select set_config('application_name', 'pawl ' || $2, true),
       set_config('idle_in_transaction_session_timeout', $5, true),
       pg_try_advisory_xact_lock_shared(hashtextextended(:'schema' || ' ' || held.id || ' ' || $1, 0)),
       pg_current_xact_id()::text as xid,
       pg_backend_pid() as pid
  from held
