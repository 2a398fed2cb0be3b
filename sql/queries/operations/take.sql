-- Takes the oldest operation that goes on and that nobody works on, for $2 milliseconds. Served by operations_running.
with free as materialized (
  select id
    from :"schema".operations
   where state = 'running'
     and (held_until is null or held_until <= :"schema".now())
   order by started_at
   limit 1
     for update skip locked
)
update :"schema".operations as operations
   set held_by = $1::uuid,
       held_until = :"schema".now() + $2::double precision * interval '1 millisecond'
  from free
 where operations.id = free.id
returning operations.id, operations.plan::text as plan, operations.cursor,
          extract(epoch from operations.started_at)::double precision * 1000 as started_at_ms
