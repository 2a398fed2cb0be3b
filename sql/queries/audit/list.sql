-- A page of the audit, newest first; $1: the id of the last entry of the page before. Served by the primary key.
select id, extract(epoch from at)::double precision * 1000 as at_ms, by, role, action, outcome, details::text as details
  from :"schema".audit
 where id < coalesce($1::bigint, 9223372036854775807)
 order by id desc
 limit $2::integer
