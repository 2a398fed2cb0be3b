-- Moves scheduled jobs that are due over to the ready index, in batches, and says how soon the next one is due.
-- breaking: no
--
-- run_at becomes the present: a fresh position, in front of every cursor. The transaction id is drawn first (by the row
-- locks), so that a claim which reads a later time has this transaction in its snapshot as running. Jobs of one batch lie a
-- microsecond apart, in the order in which they fell due; nobody sees them before the last of these times has come.
-- A job with a concurrency key joins its line, unless it kept its lane while it waited; one with a rate limit, the jobs that
-- wait for it. Arrivals announce both. Whoever waits for a retry keeps its old place in the line.
-- _since is a lower bound that spares the walk over dead index entries; '-infinity' now and then finds late commits.
create function :"schema".promote_due_jobs(_queues text[], _since timestamptz, _limit integer)
returns table (promoted integer, next_due_ms double precision)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_incremental_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  _queue text;
  _due timestamptz;
  _next timestamptz;
  _ids uuid[];
  _orders bigint[];
  _moment timestamptz;
  _latest timestamptz;
begin
  promoted := 0;
  for _queue in
    with recursive named as (
      (select jobs.queue from :"schema".jobs
        where jobs.indexed_as = 'scheduled'
        order by jobs.queue, jobs.run_at, jobs.id
        limit 1)
      union all
      select (select jobs.queue from :"schema".jobs
               where jobs.indexed_as = 'scheduled' and jobs.queue > named.queue
               order by jobs.queue, jobs.run_at, jobs.id
               limit 1)
        from named
       where named.queue is not null
    )
    select named.queue from named where _queues is null and named.queue is not null
    union all
    select given.queue
      from unnest(_queues) as given (queue)
     where (select true
              from :"schema".jobs
             where jobs.queue = given.queue and jobs.indexed_as = 'scheduled' and jobs.run_at >= _since
             limit 1)
  loop
    _latest := :"schema".now();
    _ids := array(
      select jobs.id
        from :"schema".jobs
       where jobs.queue = _queue
         and jobs.indexed_as = 'scheduled'
         and jobs.run_at >= _since
         and jobs.run_at <= _latest
       order by jobs.queue, jobs.run_at, jobs.id
       limit _limit
         for update skip locked
    );
    if cardinality(_ids) > 0 then
      -- Places in their lines are drawn in the order in which the jobs fell due.
      _orders := null;
      if exists (
        select from :"schema".jobs
         where jobs.queue = _queue
           and jobs.id = any (_ids)
           and jobs.concurrency_key is not null
           and jobs.concurrency_order is null
      ) then
        _orders := array(
          select nextval(format('%I.concurrency_order', :'schema')::regclass) from generate_series(1, cardinality(_ids)));
      end if;
      _moment := :"schema".now();
      with due as (
        update :"schema".jobs
           set indexed_as = case when jobs.concurrency_key is not null and jobs.concurrency_lane is null then 'blocked'
                                 else 'ready' end,
               run_at = _moment + array_position(_ids, jobs.id) * interval '1 microsecond',
               concurrency_order = case when jobs.concurrency_key is not null
                                        then coalesce(jobs.concurrency_order, _orders[array_position(_ids, jobs.id)]) end
         where jobs.queue = _queue and jobs.id = any (_ids)
        returning jobs.queue, jobs.concurrency_key, jobs.concurrency_limit, jobs.concurrency_lane, jobs.rate_limit_key
      )
      insert into :"schema".arrivals (queue, concurrency_key, concurrency_limit, rate_limit_key)
      select distinct due.queue, due.concurrency_key, due.concurrency_limit, due.rate_limit_key
        from due
       where (due.concurrency_key is not null and due.concurrency_lane is null) or due.rate_limit_key is not null;
      perform :"schema".await_clock(_moment + cardinality(_ids) * interval '1 microsecond');
      promoted := promoted + cardinality(_ids);
    end if;
    select jobs.run_at into _due
      from :"schema".jobs
     where jobs.queue = _queue and jobs.indexed_as = 'scheduled' and jobs.run_at >= _since
     order by jobs.queue, jobs.run_at, jobs.id
     limit 1;
    _next := least(_next, _due);
  end loop;
  if promoted > 0 then
    perform :"schema".wake_workers();
  end if;
  -- Before version 17, infinity cannot be subtracted from.
  next_due_ms := case when isfinite(_next) then extract(epoch from _next - :"schema".now()) * 1000 end;
  return next;
end
$$;
