-- Removes a batch of operations that have ended and began longer ago than so many milliseconds. Served by operations_started.
with gone as (
  delete from :"schema".operations
   where id in (
     select old.id
       from :"schema".operations as old
      where old.started_at < :"schema".now() - $2::double precision * interval '1 millisecond'
        and old.state <> 'running'
      order by old.started_at
      limit $1::integer
        for update skip locked)
  returning 1
)
select count(*)::integer as pruned
  from gone
