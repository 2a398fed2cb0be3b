-- Claims ready jobs of one queue: see migrations/0004-claim.sql. Served by jobs_ready.
select *
  from :"schema".claim_jobs(
    $1, $2::uuid, $3::bigint, $4::integer, $5::integer, ($6::text)::text[], ($7::text)::text[],
    ($8::text)::smallint[], ($9::text)::timestamptz[], ($10::text)::uuid[], ($11::text)::smallint[], $12::bigint,
    $13::boolean)
