-- Stops an operation that goes on: what it has done stays done. Served by the primary key.
update :"schema".operations
   set state = 'stopped', finished_at = :"schema".now(), held_until = null
 where id = $1::uuid
   and state = 'running'
returning id
