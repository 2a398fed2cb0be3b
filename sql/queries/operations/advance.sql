-- Notes a batch: with it, the one is done when $7. Served by the primary key.
update :"schema".operations
   set cursor = $2,
       examined = operations.examined + $3::bigint,
       changed = operations.changed + $4::bigint,
       refused = operations.refused + $5::bigint,
       held_until = :"schema".now() + $6::double precision * interval '1 millisecond',
       state = case when $7::boolean then 'done' else operations.state end,
       finished_at = case when $7::boolean then :"schema".now() end
 where operations.id = $1::uuid
   and operations.state = 'running'
