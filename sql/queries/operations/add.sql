-- Begins a change of many jobs, on which nobody works yet. Needs no index.
insert into :"schema".operations (id, plan, started_by, role)
values ($1::uuid, $2::json, $3, $4)
returning id::text, plan::text, state, started_by, examined::double precision, changed::double precision,
          refused::double precision, error,
          (extract(epoch from started_at) * 1000)::double precision as started_at_ms,
          (extract(epoch from finished_at) * 1000)::double precision as finished_at_ms
