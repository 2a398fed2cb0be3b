-- Removes starts that no longer count against a sliding limit, a batch of them. Reads the table: it holds little else.
with gone as (
  delete from :"schema".rate_limit_starts
   where ctid = any (array(
     select starts.ctid
       from :"schema".rate_limit_starts as starts
       left join :"schema".rate_limits on rate_limits.key = starts.key
      where rate_limits.key is null
         or starts.started_at <= :"schema".now()
              - (rate_limits.interval_ms + least(rate_limits.interval_ms / 20, 1000)) * interval '1 millisecond'
      limit $1::integer
        for update of starts skip locked))
  returning 1
)
select count(*)::integer as pruned
  from gone
