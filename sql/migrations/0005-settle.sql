-- The two settles: finish_jobs moves jobs from `jobs` to `history` for good, return_jobs puts them back for another attempt.
-- breaking: no
--
-- Both are fenced by the claim token (worker and claim number): a job that is not held under its token is left alone, and
-- the number of jobs settled tells. Lists are parallel; a shorter list stands for nulls. Callers send ids in order, which is
-- the one lock order. Joins other than nested loops are off, so that the plan is the primary key whatever the statistics say.

create function :"schema".finish_jobs(
  _queue text, _worker_id uuid, _ids uuid[], _claim_numbers bigint[], _run_ms double precision[],
  _outcomes text[], _errors text[], _outputs text[], _retention_ms double precision
) returns integer
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  _settled integer;
begin
  with done as (
    delete from :"schema".jobs
     using unnest(_ids, _claim_numbers, _run_ms, _outcomes, _errors, _outputs)
        as settled (id, claim_number, run_ms, outcome, error, output)
     where jobs.queue = _queue
       and jobs.id = settled.id
       and jobs.worker_id = _worker_id
       and jobs.claim_number = settled.claim_number
    returning jobs.id, jobs.created_at, jobs.run_at, jobs.claim_number, jobs.worker_id, jobs.attempt, jobs.queue, jobs.task,
      jobs.correlation_id, jobs.payload, settled.run_ms, settled.outcome, settled.error, settled.output
  )
  insert into :"schema".history (
    id, created_at, run_at, started_at, finished_at, expires_at, claim_number, worker_id, attempt, final, queue, task,
    outcome, correlation_id, error, output, payload)
  select done.id, done.created_at, done.run_at,
         moment.now - done.run_ms * interval '1 millisecond', moment.now,
         moment.now + _retention_ms * interval '1 millisecond',
         done.claim_number, done.worker_id, done.attempt, true, done.queue, done.task, coalesce(done.outcome, 'succeeded'),
         done.correlation_id, done.error::json, done.output::json, done.payload
    from done
   cross join (select clock_timestamp() as now offset 0) as moment;
  get diagnostics _settled = row_count;
  return _settled;
end
$$;

-- _delay_ms null: back to where the job stood, at the front (a release). 0: ready at once. Above: scheduled.
-- _counted: whether the attempt counts as a failure.
create function :"schema".return_jobs(
  _queue text, _worker_id uuid, _ids uuid[], _claim_numbers bigint[], _run_ms double precision[],
  _outcomes text[], _delay_ms double precision[], _counted boolean[], _errors text[], _partial_results text[],
  _retention_ms double precision
) returns integer
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  _settled integer;
begin
  with held as materialized (
    select jobs.id, jobs.created_at, jobs.run_at, jobs.claim_number, jobs.attempt, jobs.task, jobs.correlation_id,
           settled.run_ms, settled.outcome, settled.delay_ms, settled.counted, settled.error, settled.partial_results
      from unnest(_ids, _claim_numbers, _run_ms, _outcomes, _delay_ms, _counted, _errors, _partial_results)
        as settled (id, claim_number, run_ms, outcome, delay_ms, counted, error, partial_results)
      join :"schema".jobs
        on jobs.queue = _queue
       and jobs.id = settled.id
       and jobs.worker_id = _worker_id
       and jobs.claim_number = settled.claim_number
       for update of jobs
  ), returned as (
    update :"schema".jobs
       set state = case when held.delay_ms > 0 then 'scheduled' else 'ready' end,
           run_at = case when held.delay_ms is null then jobs.run_at
                         else clock_timestamp() + held.delay_ms * interval '1 millisecond' end,
           failures = jobs.failures + coalesce(held.counted, false)::integer,
           last_error = coalesce(held.error::json ->> 'message', jobs.last_error),
           partial_results = coalesce(held.partial_results::json, jobs.partial_results),
           worker_id = null, claim_number = null, claimed_at = null
      from held
     where jobs.queue = _queue
       and jobs.id = held.id
  )
  insert into :"schema".history (
    id, created_at, run_at, started_at, finished_at, expires_at, claim_number, worker_id, attempt, final, queue, task,
    outcome, correlation_id, error, output)
  select held.id, held.created_at, held.run_at,
         moment.now - held.run_ms * interval '1 millisecond', moment.now,
         moment.now + _retention_ms * interval '1 millisecond',
         held.claim_number, _worker_id, held.attempt, false, _queue, held.task, held.outcome,
         held.correlation_id, held.error::json, held.partial_results::json
    from held
   cross join (select clock_timestamp() as now offset 0) as moment;
  get diagnostics _settled = row_count;
  if _settled > 0 and array_position(_outcomes, 'released') is not null then
    perform :"schema".rewind_queue(_queue);
  end if;
  return _settled;
end
$$;

-- Tells every claimer that jobs went back to the front of a queue, behind its cursors.
create function :"schema".rewind_queue(_queue text) returns void
language sql
as $$
  insert into :"schema".queues as queues (name, rewinds) values (_queue, 1)
      on conflict (name) do update set rewinds = queues.rewinds + 1;
  select :"schema".wake_workers();
$$;
