-- Ends one that runs: "stopped", or "failed" with a reason. Served by the primary key.
update :"schema".operations
   set state = $2,
       error = $3,
       held_until = null,
       finished_at = :"schema".now()
 where id = $1::uuid
   and state = 'running'
returning id::text
