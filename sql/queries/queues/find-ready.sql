-- Which queues have ready jobs, and which have arrivals or jobs with a rate limit? See migrations/0004-claim.sql. Served by
-- jobs_ready, arrivals_new and rate_limit_lines_next.
select (
    select json_agg(ready.queue)::text
      from :"schema".find_ready_queues(
        ($1::text)::text[], ($2::text)::smallint[], ($3::text)::timestamptz[], ($4::text)::uuid[], ($5::text)::smallint[],
        ($6::text)::boolean[], ($7::text)::text[], ($8::text)::text[], ($9::text)::text[], ($10::text)::bigint[]) as ready
  ) as queues,
  (
    select json_agg(json_build_object('queue', waiting.queue, 'arrived', waiting.arrived, 'limitedMs', waiting.limited_ms))::text
      from :"schema".find_waiting_queues(($11::text)::text[], $12::bigint) as waiting
  ) as waiting,
  pg_current_snapshot()::text as snapshot
