-- Fails jobs whose task nobody handles: see migrations/0009-unhandled.sql. Served by jobs_ready and jobs_limited.
select :"schema".fail_unhandled_jobs($1, $2::double precision, $3::integer) as failed
