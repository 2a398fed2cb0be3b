-- Takes the running jobs of concurrency keys from their workers: see migrations/0013-commands.sql. Served by jobs_lanes.
select :"schema".unlock_keys(($1::text)::text[], ($2::text)::text[]) as unlocked
