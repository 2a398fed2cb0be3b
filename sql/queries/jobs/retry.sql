-- Makes scheduled jobs run now: see migrations/0013-commands.sql. Served by the primary key.
select queue, id::text, outcome
  from :"schema".retry_jobs(($1::text)::text[], ($2::text)::uuid[])
