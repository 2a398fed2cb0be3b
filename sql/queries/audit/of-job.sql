-- What was done to one job, newest first: $1 is its id, a space and its queue. Served by audit_jobs.
select id, extract(epoch from at)::double precision * 1000 as at_ms, by, role, action, outcome, details::text as details
  from :"schema".audit
 where jobs @> array[$1::text]
 order by id desc
 limit $2::integer
