-- Inserts jobs, one or ten thousand, in one statement. Lists come as one text; a column that is the same for all jobs comes
-- as a scalar, with an empty list. The transaction's id is drawn before the clock is read: see migrations/0004-claim.sql.
with moment as materialized (
  select case when pg_current_xact_id() is not null then :"schema".now() end as now
), inserted as (
  insert into :"schema".jobs
    (id, run_at, created_at, max_attempts, priority, queue, task, indexed_as, correlation_id, payload)
  select new.id,
         greatest(moment.now, due.at),
         moment.now,
         coalesce(new.max_attempts, $6::integer),
         coalesce(new.priority, $7::smallint),
         coalesce(new.queue, $3::text),
         coalesce(new.task, $4::text),
         case when due.at > moment.now then 'scheduled' else 'ready' end,
         coalesce(new.correlation_id, $8::text),
         new.payload
    from moment
   cross join rows from (
     unnest(($1::text)::uuid[]), json_array_elements($2::json),
     unnest(($9::text)::text[]), unnest(($10::text)::text[]), unnest(($11::text)::integer[]),
     unnest(($12::text)::smallint[]), unnest(($13::text)::text[]), unnest(($14::text)::double precision[]),
     unnest(($15::text)::timestamptz[])
   ) as new (id, payload, queue, task, max_attempts, priority, correlation_id, delay_ms, run_at)
   cross join lateral (
     select coalesce(new.run_at, moment.now + coalesce(new.delay_ms, $5::double precision) * interval '1 millisecond') as at
   ) as due
), woken as (
  select :"schema".wake_workers(case when $5::double precision is null and $14 = '{}' and $15 = '{}' then 'ready' else '' end)
)
select (extract(epoch from moment.now) * 1000)::double precision as now_ms
  from moment
  left join woken on true
