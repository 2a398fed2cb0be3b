-- Claims ready jobs of one queue: see migrations/0004-claim.sql. Served by jobs_ready.
select *
  from :"schema".claim_jobs(
    $1, $2::uuid, $3::bigint, $4::integer, ($5::text)::text[],
    ($6::text)::smallint[], ($7::text)::timestamptz[], ($8::text)::uuid[], ($9::text)::smallint[])
