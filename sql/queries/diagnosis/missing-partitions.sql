-- The days on which rows written from now to $2 days ahead will expire, with the retention $1 or that of any task, and for
-- which the history has no partition; `ahead` says in how many days each is needed. Reads the catalogs.
select to_char(wanted.day, 'YYYY-MM-DD') as day, wanted.ahead
  from (
    select days.day, min(days.ahead) as ahead
      from (
        select ((:"schema".now() at time zone 'UTC') + retention.ms * interval '1 millisecond')::date + ahead.days as day,
               ahead.days as ahead
          from (
            select $1::double precision as ms
            union
            select tasks.retention_ms from :"schema".tasks where tasks.retention_ms is not null
          ) as retention
         cross join generate_series(0, $2::integer) as ahead (days)
      ) as days
     group by days.day
  ) as wanted
 where not exists (
   select
     from pg_catalog.pg_inherits
     join pg_catalog.pg_class on pg_class.oid = pg_inherits.inhrelid
    where pg_inherits.inhparent = format('%I.history', :'schema')::regclass
      and pg_class.relname = 'history_' || to_char(wanted.day, 'YYYYMMDD'))
 order by wanted.day
