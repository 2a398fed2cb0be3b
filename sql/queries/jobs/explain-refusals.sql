-- Which of the flags of a job ($3) are refused by the living workers that take its queue ($1) and its task ($2). Reads the
-- workers, which are few.
select distinct flag
  from :"schema".workers
 cross join lateral unnest(workers.forbidden_flags) as flag
 where workers.ended_at is null
   and workers.heartbeat_at >= :"schema".now() - workers.lease_ms * interval '1 millisecond'
   and (workers.queues is null or $1 = any (workers.queues))
   and (workers.tasks is null or $2 = any (workers.tasks))
   and flag = any (($3::text)::text[])
 order by flag
