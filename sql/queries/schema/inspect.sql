-- Tells what there is: the schema, who made it, and whether its migrations table is Pawl's own.
select
  namespace.oid is not null as "schemaExists",
  coalesce(pg_catalog.obj_description(namespace.oid, 'pg_namespace') = 'Made by Pawl', false) as "schemaIsOurs",
  relation.oid is not null as "migrationsExist",
  exists (
    select
    from pg_catalog.pg_attribute
    where attrelid = relation.oid
      and attname = 'objects'
      and atttypid = 'text[]'::regtype
  ) as "migrationsAreOurs"
from (select :'schema' as name) as wanted
left join pg_catalog.pg_namespace as namespace on namespace.nspname = wanted.name
left join pg_catalog.pg_class as relation
  on relation.relnamespace = namespace.oid
  and relation.relname = 'migrations'
