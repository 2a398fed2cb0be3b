-- What waits in the first thousand queues by name, each count up to $1. Served by the primary key, which is jumped through from
-- queue to queue, and by the index of each state. A plain job that runs is in jobs_ready as well; the others that run are looked
-- for among the first ones by id.
with recursive named (queue, place) as (
  (select jobs.queue, 1 from :"schema".jobs order by jobs.queue limit 1)
  union all
  select (select jobs.queue from :"schema".jobs where jobs.queue > named.queue order by jobs.queue limit 1), named.place + 1
    from named
   where named.queue is not null
     and named.place < 1000
)
select named.queue as name,
       scheduled.count as scheduled,
       plain.ready + limited.ready as ready,
       blocked.count as blocked,
       plain.running + apart.running as running,
       greatest(0, extract(epoch from :"schema".now() - least(plain.oldest, limited.oldest)) * 1000)::double precision
         * case when plain.ready + limited.ready > 0 then 1 end as oldest_ready_ms
  from named
 cross join lateral (
   select count(*) filter (where jobs.worker_id is null)::integer as ready,
          count(*) filter (where jobs.worker_id is not null)::integer as running,
          min(jobs.run_at) filter (where jobs.worker_id is null) as oldest
     from (
       select jobs.worker_id, jobs.run_at
         from :"schema".jobs
        where jobs.queue = named.queue and jobs.indexed_as = 'ready' and jobs.rate_limit_key is null
        order by jobs.queue, jobs.priority, jobs.run_at, jobs.id
        limit $1::integer
     ) as jobs
 ) as plain
 cross join lateral (
   select count(*)::integer as ready, min(jobs.run_at) as oldest
     from (
       select jobs.run_at
         from :"schema".jobs
        where jobs.queue = named.queue and jobs.indexed_as = 'ready' and jobs.rate_limit_key is not null
        limit $1::integer
     ) as jobs
 ) as limited
 cross join lateral (
   select count(*)::integer as count
     from (
       select from :"schema".jobs where jobs.queue = named.queue and jobs.indexed_as = 'scheduled' limit $1::integer
     ) as jobs
 ) as scheduled
 cross join lateral (
   select count(*)::integer as count
     from (
       select from :"schema".jobs where jobs.queue = named.queue and jobs.indexed_as = 'blocked' limit $1::integer
     ) as jobs
 ) as blocked
 cross join lateral (
   select count(*) filter (where jobs.indexed_as = 'running')::integer as running
     from (
       select jobs.indexed_as
         from :"schema".jobs
        where jobs.queue = named.queue
        order by jobs.queue, jobs.id
        limit $1::integer
     ) as jobs
 ) as apart
 where named.queue is not null
