-- Settles jobs for good: see migrations/0005-settle.sql. Served by the primary key.
select :"schema".finish_jobs(
  $1, $2::uuid, ($3::text)::uuid[], ($4::text)::bigint[], ($5::text)::double precision[],
  ($6::text)::text[], ($7::text)::text[], ($8::text)::text[], ($9::text)::double precision[], ($10::text)::boolean[],
  $11::boolean) as settled
