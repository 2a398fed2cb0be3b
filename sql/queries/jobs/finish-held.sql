-- Settles a job for good in its handler's transaction: see migrations/0010-transactional.sql. Served by the primary key.
select :"schema".finish_held_job(
  $1, $2::uuid, ($3::text)::uuid[], ($4::text)::bigint[], ($5::text)::double precision[],
  ($6::text)::text[], ($7::text)::text[], ($8::text)::text[], ($9::text)::double precision[], ($10::text)::boolean[],
  $11::boolean, $12)
