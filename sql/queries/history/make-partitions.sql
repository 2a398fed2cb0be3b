-- Makes the history partitions for the days in which rows with this retention will expire, from now to $2 days ahead.
select :"schema".make_history_partition(
  ((:"schema".now() at time zone 'UTC') + $1::double precision * interval '1 millisecond')::date + ahead)
  from generate_series(0, $2::integer) as ahead
