-- What was done to a job, newest first. Served by audit_jobs, which a limit must not keep the planner from.
with found as materialized (
  select id, at, by, role, action, outcome, details
    from :"schema".audit
   where jobs @> array[$1::text]
)
select id::text, (extract(epoch from at) * 1000)::double precision as at_ms, by, role, action, outcome, details::text
  from found
 order by found.id desc
 limit $2::integer
