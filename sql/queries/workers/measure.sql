-- How many workers are alive by their lease, how many were found dead (those rows stay for a day), and what time it is. Reads
-- every worker.
select count(*) filter (
         where workers.ended_at is null
           and workers.heartbeat_at + workers.lease_ms * interval '1 millisecond' >= :"schema".now())::integer as alive,
       count(*) filter (where workers.crashed)::integer as crashed,
       (extract(epoch from :"schema".now()) * 1000)::double precision as now_ms
  from :"schema".workers
