-- The concurrency keys that are known, with what runs and waits. Served by the primary key, jobs_lanes and jobs_blocked.
select known.queue, known.key, known.max_running as "limit",
       (select count(*)::integer
          from :"schema".jobs
         where jobs.queue = known.queue
           and jobs.concurrency_key = known.key
           and jobs.concurrency_lane is not null
           and jobs.state = 'running') as running,
       (select count(*)::integer
          from :"schema".jobs
         where jobs.queue = known.queue
           and jobs.concurrency_key = known.key
           and jobs.indexed_as = 'blocked')
       + (select count(*)::integer
            from :"schema".jobs
           where jobs.queue = known.queue
             and jobs.concurrency_key = known.key
             and jobs.concurrency_lane is not null
             and jobs.state <> 'running') as waiting
  from :"schema".concurrency_keys as known
 where ($1::text is null or known.queue = $1)
   and ($2::text is null or (known.queue, known.key) > ($2, $3::text))
 order by known.queue, known.key
 limit $4::integer
