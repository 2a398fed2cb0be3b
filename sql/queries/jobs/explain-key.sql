-- Who has the lanes of a concurrency key: the job in each (of those that share it the one that runs, or was let in first), and
-- the jobs that were taken from a worker whose handler may still run. Served by jobs_lanes and the primary keys.
with taken as materialized (
  select jobs.concurrency_lane as lane, jobs.id, jobs.state, jobs.worker_id, jobs.claimed_at, jobs.run_at
    from :"schema".jobs
   where jobs.queue = $1
     and jobs.concurrency_key = $2
     and jobs.concurrency_lane is not null
   limit 20000
), lanes as (
  (select distinct on (taken.lane) taken.lane, taken.id, taken.state, taken.worker_id, taken.claimed_at
     from taken
    order by taken.lane, taken.state <> 'running', taken.run_at)
   union all
  select holds.lane, holds.id, 'returning', holds.worker_id, null
    from :"schema".concurrency_holds as holds
   where holds.queue = $1
     and holds.key = $2
)
select lanes.lane, lanes.id::text, lanes.state, lanes.worker_id::text, workers.name as worker_name,
       (extract(epoch from lanes.claimed_at) * 1000)::double precision as claimed_at_ms,
       (select keys.max_running from :"schema".concurrency_keys as keys where keys.queue = $1 and keys.key = $2) as max_running,
       (select count(distinct counted.lane)::integer from lanes as counted) as taken
  from lanes
  left join :"schema".workers on workers.id = lanes.worker_id
 order by lanes.lane, lanes.state
 limit $3::integer
