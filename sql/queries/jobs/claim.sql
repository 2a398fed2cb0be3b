-- Claims jobs of one queue, ready ones or what arrives: see migrations/0004-claim.sql. Served by jobs_ready, and by
-- arrivals_of_queue and jobs_blocked.
select *
  from :"schema".claim_jobs(
    $1, $2::uuid, $3::bigint, $4::integer, $5::integer, ($6::text)::text[], ($7::text)::text[], ($8::text)::text[],
    ($9::text)::smallint[], ($10::text)::timestamptz[], ($11::text)::uuid[],
    ($12::text)::smallint[], ($13::text)::timestamptz[], ($14::text)::uuid[], $15::bigint, $16::boolean)
