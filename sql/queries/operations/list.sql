-- The newest changes of many jobs. Served by operations_started.
select id::text, plan::text, state, started_by, examined::double precision, changed::double precision,
       refused::double precision, error,
       (extract(epoch from started_at) * 1000)::double precision as started_at_ms,
       (extract(epoch from finished_at) * 1000)::double precision as finished_at_ms
  from :"schema".operations
 order by operations.started_at desc, operations.id desc
 limit $1::integer
