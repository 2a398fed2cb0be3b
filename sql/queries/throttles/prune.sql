-- Removes throttles that are over, a batch of them. Reads the table: it holds little else.
with gone as (
  delete from :"schema".throttles
   where (queue, key) in (
     select over.queue, over.key
       from :"schema".throttles as over
      where over.until <= :"schema".now()
      limit $1::integer
        for update skip locked)
  returning 1
)
select count(*)::integer as pruned
  from gone
