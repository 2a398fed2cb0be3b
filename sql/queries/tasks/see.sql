-- Notes that the tasks of living workers have been seen. Served by the primary key.
update :"schema".tasks
   set seen_at = :"schema".now()
 where name in (
   select known.name
     from :"schema".tasks as known
    where known.seen_at < :"schema".now() - interval '1 hour'
      and known.name in (
        select handled.name
          from :"schema".workers
         cross join lateral unnest(workers.tasks) as handled (name)
         where workers.ended_at is null)
    order by known.name
      for update skip locked)
