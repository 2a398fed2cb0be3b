-- Removes a batch of entries that are older than so many milliseconds. Served by audit_at.
with gone as (
  delete from :"schema".audit
   where id in (
     select old.id
       from :"schema".audit as old
      where old.at < :"schema".now() - $2::double precision * interval '1 millisecond'
      order by old.at
      limit $1::integer
        for update skip locked)
  returning 1
)
select count(*)::integer as pruned
  from gone
