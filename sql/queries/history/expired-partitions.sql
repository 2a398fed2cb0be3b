-- Partitions in which every row has expired, and tables that were partitions until their dropping was interrupted. Reads the
-- catalogs.
select found.name,
       case when found.attached and found.pending then 'pending'
            when found.attached then 'attached'
            else 'detached'
       end as state
  from (
    select relation.relname as name,
           parent.inhrelid is not null as attached,
           parent.inhdetachpending as pending,
           to_date(substring(relation.relname from '^history_(\d{8})$'), 'YYYYMMDD') as day
      from pg_catalog.pg_class as relation
      left join pg_catalog.pg_inherits as parent
        on parent.inhrelid = relation.oid
       and parent.inhparent = format('%I.history', :'schema')::regclass
     where relation.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = :'schema')
       and relation.relkind = 'r'
       and (parent.inhrelid is not null or pg_catalog.obj_description(relation.oid, 'pg_class') = 'Made by Pawl')
  ) as found
 where found.day < (:"schema".now() at time zone 'UTC')::date
 order by found.attached and found.pending desc, found.day
