-- Who changed what, newest first, from just before an id; null: from the newest. Served by the primary key.
select id::text, (extract(epoch from at) * 1000)::double precision as at_ms, by, role, action, outcome, details::text
  from :"schema".audit
 where id < coalesce($1::bigint, 9223372036854775807)
 order by audit.id desc
 limit $2::integer
