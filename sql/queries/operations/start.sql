-- Begins an operation, unless as many as $3 are under way. Served by operations_running.
insert into :"schema".operations (started_by, plan)
select $1, ($2::text)::json
 where (select count(*) from :"schema".operations where state = 'running') < $3::integer
returning id, plan::text as plan, state, started_by, extract(epoch from started_at)::double precision * 1000 as started_at_ms,
          null::double precision as finished_at_ms, examined::double precision as examined,
          changed::double precision as changed, refused::double precision as refused, error
