-- Which queues living workers take, and how many take each; of null: how many take any queue. Reads the workers, which are few.
select taken.queue, count(*)::integer as workers
  from :"schema".workers
 cross join lateral unnest(coalesce(workers.queues, array[null::text])) as taken (queue)
 where workers.ended_at is null
   and workers.heartbeat_at >= :"schema".now() - workers.lease_ms * interval '1 millisecond'
 group by taken.queue
