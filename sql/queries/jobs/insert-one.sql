-- Inserts one job: what jobs/insert does for lists, for half of its price. The transaction's id is drawn before the clock is
-- read: see migrations/0004-claim.sql. Workers are woken as by wake_workers.
with moment as materialized (
  select case when pg_current_xact_id() is not null then :"schema".now() end as now
), inserted as (
  insert into :"schema".jobs
    (id, run_at, created_at, max_attempts, priority, queue, task, indexed_as, correlation_id, payload)
  select $1::uuid,
         greatest(moment.now, due.at),
         moment.now,
         $6::integer,
         $7::smallint,
         $3::text,
         $4::text,
         case when due.at > moment.now then 'scheduled' else 'ready' end,
         $8::text,
         $2::json
    from moment
   cross join lateral (
     select coalesce($9::timestamptz, moment.now + $5::double precision * interval '1 millisecond', moment.now) as at
   ) as due
)
select (extract(epoch from moment.now) * 1000)::double precision as now_ms,
       case when exists (select from :"schema".workers where idle and ended_at is null)
            then pg_notify(:'schema', case when coalesce($5, 0) > 0 or $9 is not null then '' else 'ready' end)
       end as woken
  from moment
