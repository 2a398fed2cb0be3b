-- Changes when waiting jobs run, and how: see migrations/0013-commands.sql. Served by the primary key.
select queue, id::text, outcome
  from :"schema".reschedule_jobs(
    ($1::text)::text[], ($2::text)::uuid[], $3::timestamptz, $4::double precision, $5::smallint, $6::integer)
