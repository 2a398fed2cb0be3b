-- Locks an operation that $2 works on, and says where it is: nobody takes or stops it until the transaction ends. Served by
-- the primary key.
select cursor
  from :"schema".operations
 where id = $1::uuid
   and state = 'running'
   and held_by = $2::uuid
   for update
