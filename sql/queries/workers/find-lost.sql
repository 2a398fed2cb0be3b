-- Workers whose jobs may have to be rescued: silent for longer than their lease, in which the server was up; of the
-- machine $2, whose processes may be gone; or ended and not yet swept. $1 looks at those that ended a while ago too. A
-- test's clock says nothing of when the server started.
select workers.id::text, workers.lease_ms, workers.ended_at is not null as ended, judged.silent,
       process.pid, process.start as process_start
  from :"schema".workers
 cross join lateral (
   select workers.heartbeat_at < :"schema".now() - workers.lease_ms * interval '1 millisecond'
          and (pg_postmaster_start_time() < :"schema".now() - workers.lease_ms * interval '1 millisecond'
               or nullif(current_setting('pawl.clock', true), '') is not null) as silent
 ) as judged
  left join lateral (
   select workers.pid, workers.process_start::double precision as start
    where workers.ended_at is null and workers.machine = $2
 ) as process on true
 where (workers.ended_at is null and (judged.silent or workers.machine = $2))
    or (workers.ended_at is not null
        and not workers.swept
        and ($1::boolean or workers.ended_at > :"schema".now() - interval '5 seconds'))
