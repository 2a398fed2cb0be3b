-- The rate limits by key, all or one, with what counts against them now. Served by the primary key, and by
-- rate_limit_starts_recent.
select rate_limits.key, rate_limits.capacity, rate_limits.interval_ms, rate_limits.is_sliding,
       case when rate_limits.is_sliding then coalesce(counted.weight, 0)
            when open.is_open then rate_limits.used
            else 0
       end::integer as used,
       case when open.is_open then
         (extract(epoch from rate_limits.window_started_at) * 1000)::double precision + rate_limits.interval_ms
       end as window_ends_at_ms,
       case when rate_limits.held_until > :"schema".now() then
         (extract(epoch from rate_limits.held_until) * 1000)::double precision
       end as held_until_ms
  from :"schema".rate_limits
 cross join lateral (
   select not rate_limits.is_sliding
          and rate_limits.window_started_at + rate_limits.interval_ms * interval '1 millisecond' > :"schema".now() as is_open
 ) as open
 cross join lateral (
   select least(sum(starts.weight), 2147483647) as weight
     from :"schema".rate_limit_starts as starts
    where rate_limits.is_sliding
      and starts.key = rate_limits.key
      and starts.started_at > :"schema".now() - rate_limits.interval_ms * interval '1 millisecond'
 ) as counted
 where $1::text is null or rate_limits.key = $1
 order by rate_limits.key
