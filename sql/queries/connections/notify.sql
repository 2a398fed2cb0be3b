-- Sends a notification in a handler's transaction, for a driver whose own method would send it from another connection.
select pg_catalog.pg_notify($1, $2)
