-- Says whether enqueues should wake this worker. Served by the primary key.
update :"schema".workers
   set idle = $2::boolean
 where id = $1::uuid
   and ended_at is null
returning set_config('synchronous_commit', 'off', true)
