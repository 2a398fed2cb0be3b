-- Workers whose jobs may have to be rescued: silent for longer than their lease, in which the server was up, or ended and
-- not yet swept. $1 looks at those that ended a while ago too. A test's clock says nothing of when the server started.
select id::text, ended_at is null as silent, lease_ms
  from :"schema".workers
 where (ended_at is null
        and heartbeat_at < :"schema".now() - lease_ms * interval '1 millisecond'
        and (pg_postmaster_start_time() < :"schema".now() - lease_ms * interval '1 millisecond'
             or nullif(current_setting('pawl.clock', true), '') is not null))
    or (ended_at is not null and not swept and ($1::boolean or ended_at > :"schema".now() - interval '5 seconds'))
