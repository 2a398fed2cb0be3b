-- Jobs that are held by workers which are gone for longer than a rescue takes: ended, silent for two leases in which the server
-- was up, or known to nobody. Served by claims_of_worker and the primary keys.
with gone as materialized (
  select holding.worker_id, workers.name, workers.host,
         case when workers.id is null then 'unknown' when workers.ended_at is not null then 'ended' else 'silent' end as fate,
         (extract(epoch from :"schema".now() - coalesce(workers.ended_at, workers.heartbeat_at)) * 1000)::double precision
           as gone_ms
    from (select distinct claims.worker_id from :"schema".claims) as holding
    left join :"schema".workers on workers.id = holding.worker_id
   where workers.id is null
      or workers.ended_at < :"schema".now() - interval '10 seconds'
      or (workers.ended_at is null
          and workers.heartbeat_at < :"schema".now() - 2 * workers.lease_ms * interval '1 millisecond' - interval '5 seconds'
          and (pg_postmaster_start_time() < :"schema".now() - 2 * workers.lease_ms * interval '1 millisecond'
               or nullif(current_setting('pawl.clock', true), '') is not null))
   limit 100
)
select gone.worker_id::text as "workerId", gone.name, gone.host, gone.fate, gone.gone_ms as "goneMs",
       count(*)::integer as jobs,
       (extract(epoch from :"schema".now() - min(held.claimed_at)) * 1000)::double precision as "heldMs"
  from gone
 cross join lateral :"schema".held_jobs(array[gone.worker_id]) as held
 group by gone.worker_id, gone.name, gone.host, gone.fate, gone.gone_ms
 order by jobs desc, gone.worker_id
