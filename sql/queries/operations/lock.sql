-- Locks one for its next batch, and says how far it has come. Served by the primary key.
select operations.id::text, operations.plan::text, operations.state, operations.cursor
  from :"schema".operations
 where operations.id = $1::uuid
   for update
