-- Tells which backend answers; behind a pooler it is another than the connection was told at its start.
select pg_catalog.pg_backend_pid() as "processId"
