-- Indexes of the schema that nobody can use, because their making has failed; not those that are being made. Reads the catalogs.
select made.relname::text as name, owner.relname::text as "table",
       format('reindex index concurrently %I.%I', :'schema', made.relname) as remedy
  from pg_catalog.pg_index
  join pg_catalog.pg_class as made on made.oid = pg_index.indexrelid
  join pg_catalog.pg_class as owner on owner.oid = pg_index.indrelid
 where owner.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = :'schema')
   and not (pg_index.indisvalid and pg_index.indisready)
   and not exists (
     select
       from pg_catalog.pg_stat_progress_create_index as making
      where making.index_relid = made.oid)
 order by made.relname
