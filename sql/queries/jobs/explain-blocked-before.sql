-- How many jobs stand before one in the line of its concurrency key, counted up to $3 from the job towards the front. Served
-- by jobs_blocked and the primary key.
select count(*)::integer as before
  from :"schema".jobs as own
 cross join lateral (
   select jobs.id
     from :"schema".jobs
    where jobs.queue = own.queue
      and jobs.concurrency_key = own.concurrency_key
      and jobs.indexed_as = 'blocked'
      and (jobs.priority, jobs.concurrency_order) < (own.priority, own.concurrency_order)
    order by jobs.queue desc, jobs.concurrency_key desc, jobs.priority desc, jobs.concurrency_order desc
    limit $3::integer
 ) as waiting
 where own.queue = $1
   and own.id = $2::uuid
