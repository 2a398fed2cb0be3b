-- Makes due jobs ready: see migrations/0007-due.sql. Served by jobs_scheduled.
select promoted, next_due_ms
  from :"schema".promote_due_jobs(
    ($1::text)::text[],
    coalesce(:"schema".now() - $2::double precision * interval '1 millisecond', '-infinity'),
    $3::integer)
