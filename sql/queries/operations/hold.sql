-- Locks an operation, if $2 still works on it and has come as far as the cursor $3: nobody takes or stops it until the
-- transaction ends. Served by the primary key.
select id
  from :"schema".operations
 where id = $1::uuid
   and state = 'running'
   and held_by = $2::uuid
   and cursor is not distinct from $3
   for update
