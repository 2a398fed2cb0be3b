-- How many workers live, and how many of these could take a job: of its queue ($1), of its task ($2), and with its flags ($3).
-- Reads the workers, which are few.
select count(*)::integer as living,
       count(*) filter (where taking.serves)::integer as serving,
       count(*) filter (where taking.serves and taking.handles)::integer as handling,
       count(*) filter (where taking.serves and taking.handles and not taking.refuses)::integer as taking
  from :"schema".workers
 cross join lateral (
   select workers.queues is null or $1 = any (workers.queues) as serves,
          workers.tasks is null or $2 = any (workers.tasks) as handles,
          coalesce(workers.forbidden_flags && ($3::text)::text[], false) as refuses
 ) as taking
 where workers.ended_at is null
   and workers.heartbeat_at >= :"schema".now() - workers.lease_ms * interval '1 millisecond'
