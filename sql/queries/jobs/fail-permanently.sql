-- Ends jobs as failed: see migrations/0013-commands.sql. Served by the primary key.
select queue, id::text, outcome
  from :"schema".fail_jobs(($1::text)::text[], ($2::text)::uuid[], $3)
