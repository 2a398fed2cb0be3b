-- What a rate limit has left for a start of the weight $2, and when it will have enough: see open_rate_limit in
-- migrations/0015-rate-limits.sql. One row, also when the limit is not registered; `announced` says that an enqueue brings it.
-- Served by the primary keys, rate_limit_starts_recent and arrivals_registered.
with moment as materialized (
  select :"schema".now() as now
), known as materialized (
  select limits.capacity, limits.is_sliding, limits.used, limits.held_until, limits.window_started_at,
         limits.interval_ms * interval '1 millisecond' as width,
         (limits.interval_ms + least(limits.interval_ms / 20, 1000)) * interval '1 millisecond' as counted_for
    from :"schema".rate_limits as limits
   where limits.key = $1
), starts as materialized (
  select starts.started_at, sum(starts.weight) over (order by starts.started_at) as freed
    from known
   cross join moment
   cross join lateral (
     select starts.started_at, starts.weight
       from :"schema".rate_limit_starts as starts
      where known.is_sliding
        and starts.key = $1
        and starts.started_at > moment.now - known.counted_for
   ) as starts
), counted as (
  select known.*,
         case when known.is_sliding then coalesce((select max(starts.freed) from starts), 0)
              when known.window_started_at > moment.now - known.width and known.window_started_at <= moment.now
                then known.used
              else 0 end as spent
    from known
   cross join moment
)
select counted.capacity,
       case when counted.held_until > moment.now
            then (extract(epoch from counted.held_until) * 1000)::double precision end as held_until_ms,
       case when counted.spent + $2::integer > counted.capacity then (extract(epoch from
              case when counted.is_sliding then (
                     select starts.started_at + counted.counted_for
                       from starts
                      where starts.freed >= counted.spent + $2::integer - counted.capacity
                      order by starts.started_at
                      limit 1)
                   else counted.window_started_at + counted.width end) * 1000)::double precision end as opens_at_ms,
       exists (
         select from :"schema".arrivals
          where arrivals.rate_limit_key = $1 and arrivals.capacity is not null) as announced
  from moment
  left join counted on true
