-- Notes what somebody did, or tried to do, from a dashboard. Needs no index.
insert into :"schema".audit (by, role, action, outcome, jobs, details)
values ($1, $2, $3, $4, ($5::text)::text[], ($6::text)::json)
