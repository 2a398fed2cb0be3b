-- Says which flags a worker refuses from now on. Served by the primary key.
update :"schema".workers
   set forbidden_flags = ($2::text)::text[]
 where id = $1::uuid
   and ended_at is null
