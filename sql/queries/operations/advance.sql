-- Notes a batch of one that was locked, and holds it on; null as the cursor: it is done. Served by the primary key.
update :"schema".operations
   set cursor = $2,
       examined = operations.examined + $3::bigint,
       changed = operations.changed + $4::bigint,
       refused = operations.refused + $5::bigint,
       held_until = case when $2::text is not null then :"schema".now() + $6::double precision * interval '1 millisecond' end,
       state = case when $2::text is null then 'done' else operations.state end,
       finished_at = case when $2::text is null then :"schema".now() end
 where id = $1::uuid
