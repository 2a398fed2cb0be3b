-- Notes who changed what.
insert into :"schema".audit (by, role, action, outcome, job_ids, details)
values ($1, $2, $3, $4, $5::uuid[], $6::json)
