-- Locks one for its next batch, if it still runs and is still held by whoever asks. Served by the primary key.
select cursor
  from :"schema".operations
 where id = $1::uuid
   and held_by = $2::uuid
   and state = 'running'
   for update
