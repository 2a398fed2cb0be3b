-- Ends an operation that $2 works on, because something made it fail. Served by the primary key.
update :"schema".operations
   set state = 'failed', finished_at = :"schema".now(), held_until = null, error = $3
 where id = $1::uuid
   and state = 'running'
   and held_by = $2::uuid
