-- Begins a change of many jobs; who begins it has it for itself for a while.
insert into :"schema".operations (id, plan, started_by, role, held_until)
values ($1::uuid, $2::json, $3, $4, :"schema".now() + $5::double precision * interval '1 millisecond')
