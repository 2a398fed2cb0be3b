-- Frees the lanes of lost jobs whose handlers have returned: see migrations/0013-commands.sql. Served by concurrency_holds_of_worker.
select :"schema".release_holds($1::uuid, ($2::text)::text[], ($3::text)::uuid[], ($4::text)::bigint[])
