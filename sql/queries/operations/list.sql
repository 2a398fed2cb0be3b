-- The newest changes of many jobs, or one of them. Served by operations_started and the primary key.
select operations.id::text, operations.plan::text, operations.state, operations.started_by, operations.cursor,
       (extract(epoch from operations.started_at) * 1000)::double precision as started_at_ms,
       (extract(epoch from operations.finished_at) * 1000)::double precision as finished_at_ms,
       operations.examined::double precision, operations.changed::double precision, operations.refused::double precision,
       operations.error
  from :"schema".operations
 where ($1::uuid is null or operations.id = $1::uuid)
 order by operations.started_at desc
 limit 50
