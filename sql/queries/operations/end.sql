-- Ends one that runs: stopped, or failed with a message. Served by the primary key.
update :"schema".operations
   set state = $2,
       error = $3,
       finished_at = :"schema".now()
 where operations.id = $1::uuid
   and operations.state = 'running'
returning true as ended
