-- Takes running jobs from their workers: see migrations/0013-commands.sql. Served by jobs_running.
select :"schema".unlock_workers(($1::text)::text[]) as unlocked
