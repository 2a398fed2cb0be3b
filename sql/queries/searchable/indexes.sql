-- The indexes of searchable payload paths of the jobs and of the history as a whole, of any task. Reads the catalogs.
select made.relname::text as name, pg_index.indisvalid as "isValid"
  from pg_catalog.pg_index
  join pg_catalog.pg_class as made on made.oid = pg_index.indexrelid
 where pg_index.indrelid in (format('%I.jobs', :'schema')::regclass, format('%I.history', :'schema')::regclass)
   and made.relname ~ '_searchable_[0-9a-f]{12}_[0-9a-f]{12}$'
