-- Settles jobs that will run again: see migrations/0005-settle.sql. Served by the primary key.
select :"schema".return_jobs(
  $1, $2::uuid, ($3::text)::uuid[], ($4::text)::bigint[], ($5::text)::double precision[],
  ($6::text)::text[], ($7::text)::double precision[], ($8::text)::boolean[], ($9::text)::text[], ($10::text)::text[],
  ($11::text)::double precision[], ($12::text)::boolean[], ($13::text)::boolean[], $14::boolean) as settled
