import { execute } from "../support/database.ts";

/** The tables, partitions and views of a schema. */
export async function relationsOf(name: string): Promise<string[]> {
  const rows = await execute<{ relname: string }>(
    `select relname from pg_class
     where relnamespace = (select oid from pg_namespace where nspname = $1) and relkind in ('r', 'p', 'v')
     order by relname`,
    [name],
  );
  return rows.map(({ relname }) => relname);
}

/** The functions of a schema. */
export async function functionsOf(name: string): Promise<string[]> {
  const rows = await execute<{ proname: string }>(
    `select proname from pg_proc
     where pronamespace = (select oid from pg_namespace where nspname = $1) order by proname`,
    [name],
  );
  return rows.map(({ proname }) => proname);
}

/** Changes with every change to a relation, function or migration of the schema. */
export async function fingerprint(name: string): Promise<unknown> {
  return execute(
    `select oid::text, xmin::text, relname as name from pg_class
     where relnamespace = (select oid from pg_namespace where nspname = $1)
     union all
     select oid::text, xmin::text, proname from pg_proc
     where pronamespace = (select oid from pg_namespace where nspname = $1)
     union all
     select version::text, xmin::text, name from ${name}.migrations
     order by 1`,
    [name],
  );
}
