-- What ended since $1 (milliseconds since the epoch; null: for as long as matters), within the last $4 milliseconds, by intervals of
-- $2: of the newest $3 attempts, with the time of the oldest of them when there may be more. Served by history_finished.
with moment as materialized (
  select present.now,
         greatest(to_timestamp(coalesce($1::double precision, 0) / 1000),
           present.now - $4::double precision * interval '1 millisecond') as since
    from (select :"schema".now() as now) as present
), newest as materialized (
  select history.queue, history.outcome, history.finished_at,
         floor(extract(epoch from history.finished_at) * 1000 / $2::double precision) * $2::double precision as at_ms,
         greatest(0, extract(epoch from history.started_at - history.run_at) * 1000)::double precision
           * case when history.started_at is not null then 1 end as wait_ms,
         greatest(0, extract(epoch from history.finished_at - history.started_at) * 1000)::double precision
           * case when history.started_at is not null then 1 end as run_ms
    from :"schema".history
   where history.finished_at >= (select moment.since from moment)
     and history.expires_at >= (select moment.since from moment)
   order by history.finished_at desc
   limit $3::integer
), reach as (
  select case when count(*) >= $3::integer then (extract(epoch from min(newest.finished_at)) * 1000)::double precision end as oldest_ms
    from newest
), times as (
  select newest.at_ms,
         percentile_disc(array[0.5, 0.95]) within group (order by newest.wait_ms) as wait_ms,
         percentile_disc(array[0.5, 0.95]) within group (order by newest.run_ms) as run_ms
    from newest
   group by newest.at_ms
), counted as (
  select newest.at_ms, newest.queue, newest.outcome, count(*)::integer as count
    from newest
   group by newest.at_ms, newest.queue, newest.outcome
), listed as (
  select counted.at_ms, json_agg(json_build_array(counted.queue, counted.outcome, counted.count))::text as counts
    from counted
   group by counted.at_ms
)
select (extract(epoch from moment.now) * 1000)::double precision as now_ms,
       (extract(epoch from moment.since) * 1000)::double precision as since_ms,
       reach.oldest_ms,
       times.at_ms, listed.counts,
       times.wait_ms[1] as wait_p50, times.wait_ms[2] as wait_p95, times.run_ms[1] as run_p50, times.run_ms[2] as run_p95
  from moment
 cross join reach
  left join times on true
  left join listed on listed.at_ms = times.at_ms
