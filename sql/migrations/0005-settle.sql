-- The two settles: finish_jobs moves jobs from `jobs` to `history` for good, return_jobs puts them back for another attempt.
-- breaking: no
--
-- Both are fenced by the claim token (worker and claim number): a job that is not held under its token is left alone, and
-- the number of jobs settled tells. Lists are parallel, in order of the ids, each of which is there once; a shorter list
-- stands for nulls. The place of a job in them is found by a binary search, which is what width_bucket does, so that there
-- is no join whose order or kind the planner could choose by its statistics: `id = any (_ids)` on the primary key is the one
-- plan, and reads in the one lock order.

create function :"schema".finish_jobs(
  _queue text, _worker_id uuid, _ids uuid[], _claim_numbers bigint[], _run_ms double precision[],
  _outcomes text[], _errors text[], _outputs text[], _retention_ms double precision
) returns integer
language plpgsql
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  _settled integer;
begin
  with done as (
    delete from :"schema".jobs
     where jobs.queue = _queue
       and jobs.id = any (_ids)
       and jobs.worker_id = _worker_id
       and jobs.claim_number = _claim_numbers[width_bucket(jobs.id, _ids)]
    returning jobs.id, jobs.created_at, jobs.run_at, jobs.claim_number, jobs.worker_id, jobs.attempt, jobs.queue,
      jobs.task, jobs.correlation_id, jobs.payload, width_bucket(jobs.id, _ids) as place
  )
  insert into :"schema".history (
    id, created_at, run_at, started_at, finished_at, expires_at, claim_number, worker_id, attempt, final, queue, task,
    outcome, correlation_id, error, output, payload)
  select done.id, done.created_at, done.run_at,
         moment.now - _run_ms[done.place] * interval '1 millisecond', moment.now,
         moment.now + _retention_ms * interval '1 millisecond',
         done.claim_number, done.worker_id, done.attempt, true, done.queue, done.task,
         coalesce(_outcomes[done.place], 'succeeded'),
         done.correlation_id, _errors[done.place]::json, _outputs[done.place]::json, done.payload
    from done
   cross join (select :"schema".now() as now offset 0) as moment;
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
as $$
#variable_conflict use_column
declare
  _settled integer;
begin
  -- The history first, because it wants the rows as they were; from here on they are locked.
  with held as materialized (
    select jobs.id, jobs.created_at, jobs.run_at, jobs.claim_number, jobs.attempt, jobs.task, jobs.correlation_id,
           width_bucket(jobs.id, _ids) as place
      from :"schema".jobs
     where jobs.queue = _queue
       and jobs.id = any (_ids)
       and jobs.worker_id = _worker_id
       and jobs.claim_number = _claim_numbers[width_bucket(jobs.id, _ids)]
       for update
  )
  insert into :"schema".history (
    id, created_at, run_at, started_at, finished_at, expires_at, claim_number, worker_id, attempt, final, queue, task,
    outcome, correlation_id, error, output)
  select held.id, held.created_at, held.run_at,
         moment.now - _run_ms[held.place] * interval '1 millisecond', moment.now,
         moment.now + _retention_ms * interval '1 millisecond',
         held.claim_number, _worker_id, held.attempt, false, _queue, held.task, _outcomes[held.place],
         held.correlation_id, _errors[held.place]::json, _partial_results[held.place]::json
    from held
   cross join (select :"schema".now() as now offset 0) as moment;
  get diagnostics _settled = row_count;

  update :"schema".jobs
     set state = case when _delay_ms[width_bucket(jobs.id, _ids)] > 0 then 'scheduled' else 'ready' end,
         run_at = coalesce(
           :"schema".now() + _delay_ms[width_bucket(jobs.id, _ids)] * interval '1 millisecond', jobs.run_at),
         failures = jobs.failures + coalesce(_counted[width_bucket(jobs.id, _ids)], false)::integer,
         last_error = coalesce(_errors[width_bucket(jobs.id, _ids)]::json ->> 'message', jobs.last_error),
         partial_results = coalesce(_partial_results[width_bucket(jobs.id, _ids)]::json, jobs.partial_results),
         worker_id = null, claim_number = null, claimed_at = null
   where jobs.queue = _queue
     and jobs.id = any (_ids)
     and jobs.worker_id = _worker_id
     and jobs.claim_number = _claim_numbers[width_bucket(jobs.id, _ids)];

  if _settled > 0 and array_position(_outcomes, 'released') is not null then
    perform :"schema".rewind_queue(_queue);
  end if;
  return _settled;
end
$$;

-- Only grows, so that a queue's row may be removed and come back without a claimer missing a rewind.
create sequence :"schema".rewinds;

-- Tells every claimer that jobs went back to the front of a queue, behind its cursors.
create function :"schema".rewind_queue(_queue text) returns void
language sql
as $$
  insert into :"schema".queues as queues (name, rewinds) values (_queue, nextval(:'schema' || '.rewinds'))
      on conflict (name) do update set rewinds = nextval(:'schema' || '.rewinds');
  select :"schema".wake_workers();
$$;
