-- Takes running jobs from their workers: see migrations/0013-commands.sql. Served by
-- claims_of_worker and the primary key.
select :"schema".unlock_workers(($1::text)::text[]) as unlocked
