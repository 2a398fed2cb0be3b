-- What is in the schema, in the order it was made, and how to remove it. What goes with something else (a partition, a
-- sequence of a column) is left out. A table may be marked as Pawl's own: see migrations/0003-history.sql.
select
  object.type || ' ' || object.identity as object,
  'drop ' || object.type || ' ' || object.identity as removal,
  member.classid = 'pg_catalog.pg_class'::regclass
    and coalesce(pg_catalog.obj_description(member.objid, 'pg_class') = 'Made by Pawl', false) as marked
from pg_catalog.pg_depend as member
cross join lateral pg_catalog.pg_identify_object(member.classid, member.objid, 0) as object
where member.refclassid = 'pg_catalog.pg_namespace'::regclass
  and member.refobjid = (select oid from pg_catalog.pg_namespace where nspname = :'schema')
  and member.deptype = 'n'
  and not exists (
    select
    from pg_catalog.pg_depend as owner
    where owner.classid = member.classid
      and owner.objid = member.objid
      and owner.objsubid = 0
      and owner.deptype in ('a', 'i', 'e', 'P', 'S')
  )
order by member.objid
