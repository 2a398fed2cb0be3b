-- Gives back claimed jobs that their worker does not hold: see migrations/0006-rescue.sql. Served by
-- claims_of_worker and the primary key.
select :"schema".reconcile_jobs($1::uuid, $2::bigint, $3::bigint, ($4::text)::text[], ($5::text)::uuid[]) as returned
