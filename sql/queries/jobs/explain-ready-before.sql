-- How many ready jobs of its queue stand before a job, counted up to $3 from the job towards the front: so the entries of jobs
-- that have gone from there are read only when few stand before it. Served by jobs_ready and the primary key.
select count(*)::integer as before
  from :"schema".jobs as own
 cross join lateral (
   select jobs.id
     from :"schema".jobs
    where jobs.queue = own.queue
      and jobs.indexed_as = 'ready'
      and jobs.rate_limit_key is null
      and jobs.worker_id is null
      and (jobs.priority, jobs.run_at, jobs.id) < (own.priority, own.run_at, own.id)
    order by jobs.queue desc, jobs.priority desc, jobs.run_at desc, jobs.id desc
    limit $3::integer
 ) as waiting
 where own.queue = $1
   and own.id = $2::uuid
