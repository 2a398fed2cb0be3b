-- The heartbeat; no row when the worker has been ended, which means that its lease is lost. Losing one does no harm, so it
-- does not wait for the disk. Served by the primary key.
update :"schema".workers
   set heartbeat_at = :"schema".now()
 where id = $1::uuid
   and ended_at is null
returning set_config('synchronous_commit', 'off', true)
