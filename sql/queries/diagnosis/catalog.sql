-- What a schema is made of, with a hash of the definition of each part. In all of it the schema $1 is called $2, so that two
-- schemas can be compared. Without the history's partitions, which come and go, and without what the tables are tuned to.
-- Reads the catalogs.
with own as materialized (
  select pg_class.oid, pg_class.relname
    from pg_catalog.pg_class
   where pg_class.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = $1::text)
     and pg_class.relkind in ('r', 'p', 'c')
     and not pg_class.relispartition
), parts as (
  select 'column' as kind, own.relname as owner, own.relname || '.' || attribute.attname as name,
         concat_ws(' ', pg_catalog.format_type(attribute.atttypid, attribute.atttypmod),
           case when attribute.attnotnull then 'not null' end,
           'identity ' || nullif(attribute.attidentity::text, ''),
           'generated ' || nullif(attribute.attgenerated::text, ''),
           'collate ' || (select sorting.collname::text
                            from pg_catalog.pg_collation as sorting
                           where sorting.oid = attribute.attcollation),
           'default ' || pg_catalog.pg_get_expr(fallback.adbin, fallback.adrelid)) as definition
    from own
    join pg_catalog.pg_attribute as attribute
      on attribute.attrelid = own.oid
     and attribute.attnum > 0
     and not attribute.attisdropped
    left join pg_catalog.pg_attrdef as fallback
      on fallback.adrelid = attribute.attrelid
     and fallback.adnum = attribute.attnum
   union all
  select 'index', own.relname, indexes.relname::text, pg_catalog.pg_get_indexdef(indexes.oid)
    from own
    join pg_catalog.pg_index on pg_index.indrelid = own.oid
    join pg_catalog.pg_class as indexes on indexes.oid = pg_index.indexrelid
   union all
  select 'constraint', own.relname, own.relname || '.' || pg_constraint.conname,
         pg_catalog.pg_get_constraintdef(pg_constraint.oid)
    from own
    join pg_catalog.pg_constraint on pg_constraint.conrelid = own.oid
   where pg_constraint.contype <> 'n'
   union all
  select 'trigger', own.relname, own.relname || '.' || pg_trigger.tgname, pg_catalog.pg_get_triggerdef(pg_trigger.oid)
    from own
    join pg_catalog.pg_trigger on pg_trigger.tgrelid = own.oid
   where not pg_trigger.tgisinternal
   union all
  select 'function', null, pg_proc.proname || '(' || pg_catalog.pg_get_function_identity_arguments(pg_proc.oid) || ')',
         concat_ws(' ', pg_proc.prosrc, pg_proc.provolatile, pg_proc.prosecdef, pg_proc.proconfig,
           pg_catalog.pg_get_function_result(pg_proc.oid), pg_proc.prolang)
    from pg_catalog.pg_proc
   where pg_proc.pronamespace = (select oid from pg_catalog.pg_namespace where nspname = $1::text)
     and pg_proc.prokind = 'f'
)
select parts.kind, parts.owner::text, renamed.name, md5(renamed.definition) as hash,
       case when parts.kind = 'index' then renamed.definition end as statement
  from parts
 cross join lateral (
   select case when $1::text = $2::text then parts.name
               else replace(replace(parts.name, $1::text || '.', quote_ident($2::text) || '.'), $1::text, $2::text)
          end as name,
          case when $1::text = $2::text then parts.definition
               else replace(replace(parts.definition, $1::text || '.', quote_ident($2::text) || '.'), $1::text, $2::text)
          end as definition
 ) as renamed
 order by parts.kind, renamed.name
