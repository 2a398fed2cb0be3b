-- What a transactional handler's transaction goes through: its job's row is held, and the job is settled in it.
-- breaking: no

-- Locks and fences the row of a job for its transactional handler; no row when the claim is lost. The settings end with the
-- transaction: the session is known by the worker's id, and does not outlive its lease by much. "for key share": nobody can end
-- the job, and a command can still write to its row that it is to be cancelled. The advisory lock tells in which session the
-- handler runs: see 0013-commands.sql.
create function :"schema".hold_job(_queue text, _worker_id uuid, _id uuid, _claim_number bigint, _idle_timeout text)
returns table (xid text, pid integer)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  perform
    from :"schema".jobs
   where jobs.queue = _queue
     and jobs.worker_id = _worker_id
     and jobs.id = _id
     and jobs.claim_number = _claim_number
     for key share;
  if not found then
    return;
  end if;
  perform set_config('application_name', 'pawl ' || _worker_id, true),
    set_config('idle_in_transaction_session_timeout', _idle_timeout, true),
    pg_try_advisory_xact_lock_shared(hashtextextended(:'schema' || ' ' || _id || ' ' || _queue, 0));
  return query select pg_current_xact_id()::text, pg_backend_pid();
end
$$;

-- Checks deferred constraints now, while a failure can still be recorded, and that this is the transaction in which the
-- job's row was locked: a handler may have ended it, and the settle would then stand alone.
create function :"schema".seal_transaction(_xid text) returns void
language plpgsql
as $$
begin
  if pg_current_xact_id_if_assigned()::text is distinct from _xid then
    raise exception 'the handler ended its transaction; it commits or rolls back with the job, so leave that to Pawl'
      using errcode = 'invalid_transaction_state';
  end if;
  set constraints all immediate;
end
$$;

-- Seals the transaction and settles its job for good, as finish_jobs does; the commit that comes with this must not happen when
-- the claim is lost. Lists, and one statement for both tables, would make it a third dearer for a single row.
create function :"schema".finish_held_job(
  _queue text, _worker_id uuid, _id uuid, _claim_number bigint, _run_ms double precision, _outcome text, _error json,
  _output json, _retention_ms double precision, _kept boolean, _admit boolean, _xid text
) returns void
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  _now timestamptz;
  _created_at timestamptz;
  _run_at timestamptz;
  _replay_of uuid;
  _attempt integer;
  _task text;
  _concurrency_key text;
  _correlation_id text;
  _payload json;
begin
  perform :"schema".seal_transaction(_xid);
  delete from :"schema".jobs
   where jobs.queue = _queue
     and jobs.id = _id
     and jobs.worker_id = _worker_id
     and jobs.claim_number = _claim_number
  returning jobs.created_at, jobs.run_at, jobs.replay_of, jobs.attempt, jobs.task, jobs.concurrency_key, jobs.correlation_id,
    jobs.payload
    into _created_at, _run_at, _replay_of, _attempt, _task, _concurrency_key, _correlation_id, _payload;
  if not found then
    raise exception 'the claim was lost' using errcode = 'PWL01';
  end if;
  if _kept then
    _now := :"schema".now();
    insert into :"schema".history (
      id, created_at, run_at, started_at, finished_at, expires_at, claim_number, worker_id, replay_of, attempt, final, queue,
      task, outcome, correlation_id, error, output, payload)
    values (
      _id, _created_at, _run_at, _now - _run_ms * interval '1 millisecond', _now,
      _now + _retention_ms * interval '1 millisecond', _claim_number, _worker_id, _replay_of, _attempt, true, _queue,
      _task, _outcome, _correlation_id, _error, _output, _payload);
  end if;
  if _concurrency_key is not null then
    perform :"schema".free_lanes(_queue, array[_concurrency_key], _admit);
  end if;
end
$$;
