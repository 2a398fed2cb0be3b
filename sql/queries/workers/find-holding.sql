-- Workers that hold jobs claimed more than $1 milliseconds ago and are not alive: ended, silent for longer than their lease
-- in which the server was up, or not known at all. Reads the claims of all workers, and their jobs by the primary key.
select held.worker_id::text as id, workers.id is not null as known
  from (
    select distinct held.worker_id
      from :"schema".held_jobs(null) as held
     where held.claimed_at <= :"schema".now() - $1::double precision * interval '1 millisecond'
  ) as held
  left join :"schema".workers on workers.id = held.worker_id
 where workers.id is null
    or workers.ended_at is not null
    or (workers.heartbeat_at < :"schema".now() - workers.lease_ms * interval '1 millisecond'
        and pg_postmaster_start_time() < :"schema".now() - workers.lease_ms * interval '1 millisecond')
 order by held.worker_id
