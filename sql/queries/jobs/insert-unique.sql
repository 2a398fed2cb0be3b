-- Inserts jobs with unique keys, one or ten thousand, or finds the jobs that have them. Served by jobs_unique. $3 says that
-- an id may have been enqueued before.
select now_ms, isolation, refused, others from :"schema".insert_unique_jobs($1::json, $2::json, $3::boolean)
