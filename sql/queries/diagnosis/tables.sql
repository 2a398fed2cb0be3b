-- How many rows of Pawl's tables live and are dead, by the server's estimates, and when they were last looked after. Reads the
-- server's statistics.
select counted.relname::text as name,
       counted.n_live_tup::double precision as live,
       counted.n_dead_tup::double precision as dead,
       (extract(epoch from clock_timestamp() - greatest(counted.last_vacuum, counted.last_autovacuum)) * 1000)::double precision
         as "vacuumedMs",
       coalesce(counted.last_analyze, counted.last_autoanalyze) is not null as "isAnalyzed",
       coalesce((
         select setting.option_value::boolean
           from pg_catalog.pg_options_to_table(kept.reloptions) as setting
          where setting.option_name = 'autovacuum_enabled'), true) as "isVacuumed",
       format('%I.%I', counted.schemaname, counted.relname) as "fullName"
  from pg_catalog.pg_stat_user_tables as counted
  join pg_catalog.pg_class as kept on kept.oid = counted.relid
 where counted.schemaname = :'schema'
   and kept.relkind = 'r'
   and not kept.relispartition
 order by counted.n_dead_tup desc, counted.relname
