-- Settles a job for good in its handler's transaction: see migrations/0010-transactional.sql. Served by the primary key.
select :"schema".finish_held_job(
  $1, $2::uuid, $3::uuid, $4::bigint, $5::double precision, $6, $7::json, $8::json, $9::double precision, $10::boolean,
  $11::boolean, $12)
