-- How many jobs of its queue and its rate limit stand before a job, counted up to $3 from the job towards the front. Served by
-- jobs_limited and the primary key.
select count(*)::integer as before
  from :"schema".jobs as own
 cross join lateral (
   select jobs.id
     from :"schema".jobs
    where jobs.queue = own.queue
      and jobs.rate_limit_key = own.rate_limit_key
      and jobs.indexed_as = 'ready'
      and (jobs.priority, jobs.run_at, jobs.id) < (own.priority, own.run_at, own.id)
    order by jobs.queue desc, jobs.rate_limit_key desc, jobs.priority desc, jobs.run_at desc, jobs.id desc
    limit $3::integer
 ) as waiting
 where own.queue = $1
   and own.id = $2::uuid
