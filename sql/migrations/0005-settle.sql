-- The two settles: finish_jobs moves jobs from `jobs` to `history` for good, return_jobs puts them back for another attempt.
-- breaking: no
--
-- Both are fenced by the claim token (worker and claim number): a job that is not held under its token is left alone, and
-- the number of jobs settled tells. Lists are parallel, in order of the ids, each of which is there once; a shorter list
-- stands for nulls, and a retention of one element for all. The place of a job in them is found by a binary search, which is
-- what width_bucket does, so that there is no join whose order or kind the planner could choose by its statistics:
-- `id = any (_ids)` on the primary key is the one plan, and reads in the one lock order.
--
-- _kept: whether the attempt leaves a history row (null: it does). _admit: whether what waited for the jobs' concurrency keys
-- is admitted here; in a caller's own transaction, which may stay open or be REPEATABLE READ, an arrival is written instead.

create function :"schema".finish_jobs(
  _queue text, _worker_id uuid, _ids uuid[], _claim_numbers bigint[], _run_ms double precision[],
  _outcomes text[], _errors text[], _outputs text[], _retention_ms double precision[], _kept boolean[], _admit boolean
) returns integer
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  _settled integer;
  _keys text[];
begin
  with done as (
    delete from :"schema".jobs
     where jobs.queue = _queue
       and jobs.id = any (_ids)
       and jobs.worker_id = _worker_id
       and jobs.claim_number = _claim_numbers[width_bucket(jobs.id, _ids)]
    returning jobs.id, jobs.created_at, jobs.run_at, jobs.claim_number, jobs.worker_id, jobs.replay_of, jobs.attempt,
      jobs.queue, jobs.task, jobs.concurrency_key, jobs.correlation_id, jobs.payload, width_bucket(jobs.id, _ids) as place
  ), recorded as (
    insert into :"schema".history (
      id, created_at, run_at, started_at, finished_at, expires_at, claim_number, worker_id, replay_of, attempt, final, queue,
      task, outcome, correlation_id, error, output, payload)
    select done.id, done.created_at, done.run_at,
           moment.now - _run_ms[done.place] * interval '1 millisecond', moment.now,
           moment.now + coalesce(_retention_ms[done.place], _retention_ms[1]) * interval '1 millisecond',
           done.claim_number, done.worker_id, done.replay_of, done.attempt, true, done.queue, done.task,
           coalesce(_outcomes[done.place], 'succeeded'),
           done.correlation_id, _errors[done.place]::json, _outputs[done.place]::json, done.payload
      from done
     cross join (select :"schema".now() as now offset 0) as moment
     where _kept[done.place] is not false
  )
  select count(*), array_agg(distinct done.concurrency_key) filter (where done.concurrency_key is not null)
    into _settled, _keys
    from done;
  if _keys is not null then
    perform :"schema".free_lanes(_queue, _keys, _admit);
  end if;
  return _settled;
end
$$;

-- What follows when jobs of these keys have left or gone back.
create function :"schema".free_lanes(_queue text, _keys text[], _admit boolean) returns void
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  _waiting text[];
begin
  if not _admit then
    perform :"schema".announce_arrivals(_queue, _keys, '{}');
    return;
  end if;
  _keys := :"schema".lock_concurrency_keys(_queue, _keys);
  -- As a rule nothing waits.
  _waiting := array(
    select freed.key
      from unnest(_keys) as freed (key)
     where (
       select true
         from :"schema".jobs
        where jobs.queue = _queue
          and jobs.concurrency_key = freed.key
          and jobs.indexed_as = 'blocked'
        limit 1));
  if cardinality(_waiting) > 0 then
    perform :"schema".admit_jobs(_queue, _waiting, 0, null, null, null, null, null);
  end if;
end
$$;

-- _delay_ms null: back to where the job stood, at the front (a release). 0: ready at once. Above: scheduled.
-- _counted: whether the attempt counts as a failure. _holding: whether the job keeps its lane while it is scheduled.
--
-- Three kinds go their own way: jobs whose cancellation was asked for end here; those that give up their unique key when they
-- are claimed end when they meet their successor; and a `rate-limited` one holds its rate limit back.
create function :"schema".return_jobs(
  _queue text, _worker_id uuid, _ids uuid[], _claim_numbers bigint[], _run_ms double precision[],
  _outcomes text[], _delay_ms double precision[], _counted boolean[], _errors text[], _partial_results text[],
  _retention_ms double precision[], _kept boolean[], _holding boolean[], _admit boolean
) returns integer
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  _settled integer;
  _back record;
  _place integer;
begin
  select back.*
    into _back
    from :"schema".put_back_jobs(_queue, _worker_id, _ids, _claim_numbers, _run_ms, _outcomes, _delay_ms, _counted, _errors,
      _partial_results, _retention_ms, _kept, _holding, false) as back;
  _settled := _back.settled;

  foreach _place in array coalesce(_back.cancelled, '{}') loop
    _settled := _settled + :"schema".finish_jobs(_queue, _worker_id, array[_ids[_place]], array[_claim_numbers[_place]],
      array[_run_ms[_place]], array['cancelled'],
      array[(select json_build_object('name', 'CancelledError', 'code', 'PAWL_JOB_CANCELLED', 'message', jobs.cancel_reason)
               from :"schema".jobs where jobs.queue = _queue and jobs.id = _ids[_place])::text],
      array[_partial_results[_place]], array[coalesce(_retention_ms[_place], _retention_ms[1])], array[_kept[_place]], false);
  end loop;

  foreach _place in array coalesce(_back.unique, '{}') loop
    begin
      _settled := _settled + (select back.settled
        from :"schema".put_back_jobs(_queue, _worker_id, array[_ids[_place]], array[_claim_numbers[_place]],
          array[_run_ms[_place]], array[_outcomes[_place]], array[_delay_ms[_place]], array[_counted[_place]],
          array[_errors[_place]], array[_partial_results[_place]],
          array[coalesce(_retention_ms[_place], _retention_ms[1])], array[_kept[_place]], array[_holding[_place]],
          true) as back);
    exception when unique_violation then
      _settled := _settled + :"schema".finish_jobs(_queue, _worker_id, array[_ids[_place]], array[_claim_numbers[_place]],
        array[_run_ms[_place]], array[case when _outcomes[_place] = 'failed' then 'failed' else 'cancelled' end],
        array[coalesce(_errors[_place], :"schema".superseded_error())], array[_partial_results[_place]],
        array[coalesce(_retention_ms[_place], _retention_ms[1])], array[_kept[_place]], false);
    end;
  end loop;

  if _back.rate_limit_keys is not null then
    perform :"schema".hold_rate_limits(_queue, _ids, _outcomes, _delay_ms);
    perform :"schema".announce_arrivals(_queue, '{}', _back.rate_limit_keys);
  end if;
  if _back.concurrency_keys is not null then
    perform :"schema".free_lanes(_queue, _back.concurrency_keys, _admit);
  end if;
  return _settled;
end
$$;

-- What the history says of a job that went back and found its unique key taken.
create function :"schema".superseded_error() returns text
language sql
immutable
as $$
  select json_build_object('name', 'SupersededError', 'code', 'PAWL_JOB_SUPERSEDED',
    'message', 'a newer job has taken over the unique key of this one, and runs in its place')::text
$$;

-- Puts jobs back, as return_jobs says, but those that go their own way: it tells their places, and with _is_unique takes those
-- with a unique key all the same. Tells also which keys the jobs have.
create function :"schema".put_back_jobs(
  _queue text, _worker_id uuid, _ids uuid[], _claim_numbers bigint[], _run_ms double precision[],
  _outcomes text[], _delay_ms double precision[], _counted boolean[], _errors text[], _partial_results text[],
  _retention_ms double precision[], _kept boolean[], _holding boolean[], _is_unique boolean,
  out settled integer, out cancelled integer[], out "unique" integer[], out concurrency_keys text[], out rate_limit_keys text[]
)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  _is_front boolean;
begin
  -- The history first, because it wants the rows as they were; from here on they are locked.
  with held as materialized (
    select jobs.id, jobs.created_at, jobs.run_at, jobs.claim_number, jobs.replay_of, jobs.attempt, jobs.task,
           jobs.correlation_id, jobs.concurrency_key, jobs.rate_limit_key, jobs.unique_key,
           jobs.cancel_reason is not null as is_cancelled,
           jobs.cancel_reason is null and jobs.unique_until_claimed is true and not _is_unique as is_apart,
           width_bucket(jobs.id, _ids) as place
      from :"schema".jobs
     where jobs.queue = _queue
       and jobs.id = any (_ids)
       and jobs.worker_id = _worker_id
       and jobs.claim_number = _claim_numbers[width_bucket(jobs.id, _ids)]
       for no key update
  ), recorded as (
    insert into :"schema".history (
      id, created_at, run_at, started_at, finished_at, expires_at, claim_number, worker_id, replay_of, attempt, final, queue,
      task, outcome, correlation_id, error, output)
    select held.id, held.created_at, held.run_at,
           moment.now - _run_ms[held.place] * interval '1 millisecond', moment.now,
           moment.now + coalesce(_retention_ms[held.place], _retention_ms[1]) * interval '1 millisecond',
           held.claim_number, _worker_id, held.replay_of, held.attempt, false, _queue, held.task, _outcomes[held.place],
           held.correlation_id, _errors[held.place]::json, _partial_results[held.place]::json
      from held
     cross join (select :"schema".now() as now offset 0) as moment
     where not held.is_cancelled
       and not held.is_apart
       and _kept[held.place] is not false
  )
  select array_agg(held.place) filter (where held.is_cancelled),
         array_agg(held.place order by held.unique_key) filter (where held.is_apart),
         array_agg(distinct held.concurrency_key) filter (where held.concurrency_key is not null),
         array_agg(distinct held.rate_limit_key) filter (where held.rate_limit_key is not null)
    into cancelled, "unique", concurrency_keys, rate_limit_keys
    from held;

  with put_back as (
    update :"schema".jobs
       set indexed_as = case when _delay_ms[width_bucket(jobs.id, _ids)] > 0 then 'scheduled'
                             when jobs.concurrency_key is not null then 'blocked'
                             else 'ready' end,
           run_at = coalesce(
             :"schema".now() + _delay_ms[width_bucket(jobs.id, _ids)] * interval '1 millisecond', jobs.run_at),
           failures = jobs.failures + coalesce(_counted[width_bucket(jobs.id, _ids)], false)::integer,
           last_error = coalesce(_errors[width_bucket(jobs.id, _ids)]::json ->> 'message', jobs.last_error),
           partial_results = coalesce(_partial_results[width_bucket(jobs.id, _ids)]::json, jobs.partial_results),
           concurrency_lane = case when _delay_ms[width_bucket(jobs.id, _ids)] > 0
                                    and _holding[width_bucket(jobs.id, _ids)] then jobs.concurrency_lane end,
           worker_id = null, claim_number = null, claimed_at = null
     where jobs.queue = _queue
       and jobs.id = any (_ids)
       and jobs.worker_id = _worker_id
       and jobs.claim_number = _claim_numbers[width_bucket(jobs.id, _ids)]
       and jobs.cancel_reason is null
       and (jobs.unique_until_claimed is not true or _is_unique)
    returning jobs.state = 'ready' and jobs.rate_limit_key is null and _delay_ms[width_bucket(jobs.id, _ids)] is null
      as is_front
  )
  select count(*), coalesce(bool_or(put_back.is_front), false) into settled, _is_front from put_back;
  if _is_front then
    perform :"schema".rewind_queue(_queue);
  end if;
end
$$;

-- A handler has met the limit elsewhere, as by an HTTP 429: no job of its rate limit starts before its delay is over.
create function :"schema".hold_rate_limits(_queue text, _ids uuid[], _outcomes text[], _delay_ms double precision[])
returns void
language sql
as $$
  with held as (
    select jobs.rate_limit_key as key, max(_delay_ms[width_bucket(jobs.id, _ids)]) as delay_ms
      from :"schema".jobs
     where jobs.queue = _queue
       and jobs.id = any (_ids)
       and jobs.rate_limit_key is not null
       and _outcomes[width_bucket(jobs.id, _ids)] = 'rate-limited'
     group by jobs.rate_limit_key
  ), locked as materialized (
    select limits.key, held.delay_ms
      from :"schema".rate_limits as limits
      join held on held.key = limits.key
     order by limits.key
       for update of limits
  )
  update :"schema".rate_limits as limits
     set held_until = greatest(limits.held_until, :"schema".now() + locked.delay_ms * interval '1 millisecond')
    from locked
   where limits.key = locked.key
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
