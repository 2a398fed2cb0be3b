-- Removes what is noted of claims of which a worker holds no job any more: see migrations/0006-rescue.sql. Served by
-- claims_of_worker and the primary key.
select :"schema".prune_claims($1::uuid, $2::bigint, $3::integer)::text as last
