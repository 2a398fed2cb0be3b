-- Rescues the jobs of a worker that is gone: see migrations/0006-rescue.sql. Served by
-- claims_of_worker and the primary key.
select :"schema".rescue_jobs($1::uuid, $2::integer, $3::boolean) as rescued
