-- Makes the history partitions for the days in which rows will expire from now to $2 days ahead, with this retention or that
-- of any task.
select :"schema".make_history_partition(days.day)
  from (
    select distinct
           ((:"schema".now() at time zone 'UTC') + retention.ms * interval '1 millisecond')::date + ahead as day
      from (
        select $1::double precision as ms
        union
        select tasks.retention_ms from :"schema".tasks where tasks.retention_ms is not null
      ) as retention
     cross join generate_series(0, $2::integer) as ahead
     order by day
  ) as days
