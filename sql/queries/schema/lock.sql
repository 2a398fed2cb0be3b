-- Lets one process at a time change a schema; held until the transaction ends, so that a pooler cannot strand it.
select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pawl:' || :'schema', 0))
