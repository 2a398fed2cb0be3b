-- Who changed what, newest first, from just before an id; $3: of one job. Served by the primary key and audit_jobs.
select audit.id::text, (extract(epoch from audit.at) * 1000)::double precision as at_ms, audit.by, audit.role, audit.action,
       audit.outcome, audit.details::text
  from :"schema".audit
 where ($1::bigint is null or audit.id < $1::bigint)
   and ($3::uuid is null or audit.job_ids @> array[$3::uuid])
 order by audit.id desc
 limit $2::integer
