-- Which queues have ready jobs? See migrations/0004-claim.sql. Served by jobs_ready.
select (
    select json_agg(ready.queue)::text
      from :"schema".find_ready_queues(
        ($1::text)::text[], ($2::text)::smallint[], ($3::text)::timestamptz[], ($4::text)::uuid[], ($5::text)::smallint[],
        ($6::text)::text[], ($7::text)::text[], ($8::text)::text[], ($9::text)::text[], ($10::text)::bigint[]) as ready
  ) as queues,
  pg_current_snapshot()::text as snapshot
