-- Notes who changed what. Needs no index.
insert into :"schema".audit (by, role, action, outcome, jobs, details)
values ($1, $2, $3, $4, ($5::text)::text[], $6::json)
