-- Workers whose jobs may have to be rescued: silent for longer than their lease, in which the server was up; of the machine $2,
-- where a process that is gone can be told; or ended and not yet swept. $1 looks at those that ended a while ago too. A test's
-- clock says nothing of when the server started.
select workers.id::text, workers.lease_ms, workers.ended_at is not null as ended, judged.silent,
       case when workers.machine = $2 then workers.pid end as pid,
       case when workers.machine = $2 then workers.process_start end::double precision as process_start
  from :"schema".workers
 cross join lateral (
   select workers.heartbeat_at < :"schema".now() - workers.lease_ms * interval '1 millisecond'
          and (pg_postmaster_start_time() < :"schema".now() - workers.lease_ms * interval '1 millisecond'
               or nullif(current_setting('pawl.clock', true), '') is not null) as silent
 ) as judged
 where (workers.ended_at is null and (judged.silent or workers.machine = $2))
    or (workers.ended_at is not null
        and not workers.swept
        and ($1::boolean or workers.ended_at > :"schema".now() - interval '5 seconds'))
