-- Takes one that nobody works on (any more), the oldest first. Served by operations_running.
update :"schema".operations
   set held_by = $1::uuid,
       held_until = :"schema".now() + $2::double precision * interval '1 millisecond'
 where operations.id = (
   select free.id
     from :"schema".operations as free
    where free.state = 'running'
      and (free.held_until is null or free.held_until <= :"schema".now())
    order by free.started_at
    limit 1
      for update skip locked)
returning id::text, plan::text, started_by, cursor,
          (extract(epoch from started_at) * 1000)::double precision as started_at_ms
