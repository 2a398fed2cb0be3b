-- Lets one process at a time make indexes of a schema, until the end of its transaction. It does not wait: the making of an index
-- would wait for whoever waits here. A lock wait that was asked for with a limit is no wait for ever. Needs no index.
select pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('pawl searchable:' || :'schema', 0)) as locked,
       set_config('idle_in_transaction_session_timeout', '0', true) as unlimited
