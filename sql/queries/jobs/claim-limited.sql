-- Claims jobs with a rate limit that may start now: see migrations/0015-rate-limits.sql. Served by jobs_limited.
select *
  from :"schema".claim_limited_jobs(
    $1, $2::uuid, $3::bigint, $4::integer, ($5::text)::text[], ($6::text)::text[], ($7::text)::text[],
    $8::boolean)
