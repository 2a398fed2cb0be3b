-- The newest operations. Served by operations_started.
select id, plan::text as plan, state, started_by, extract(epoch from started_at)::double precision * 1000 as started_at_ms,
       extract(epoch from finished_at)::double precision * 1000 as finished_at_ms, examined::double precision as examined,
       changed::double precision as changed, refused::double precision as refused, error
  from :"schema".operations
 order by started_at desc, id desc
 limit $1::integer
