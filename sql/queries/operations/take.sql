-- Takes over one that nobody works on any more. Served by operations_running.
update :"schema".operations
   set held_until = :"schema".now() + $1::double precision * interval '1 millisecond'
 where operations.id = (
   select operations.id
     from :"schema".operations
    where operations.state = 'running'
      and operations.held_until < :"schema".now()
    order by operations.held_until
    limit 1
      for update skip locked)
returning operations.id::text
