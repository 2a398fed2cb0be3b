import type { Client } from "pg";

/** One change of a row of `jobs`, as a trigger saw it; what was before, and what is after. */
export interface Change {
  readonly place: number;
  readonly atMs: number;
  /** The transaction, and the one within it, without their epochs. */
  readonly xid: string;
  readonly innerXid: string;
  readonly id: string;
  readonly before: Claimed | null;
  readonly after: Claimed | null;
}

/** What a row of `jobs` said of its job. */
export interface Claimed {
  readonly attempt: number;
  readonly workerId: string | null;
  readonly claimNumber: string | null;
  readonly concurrencyKey: string | null;
  readonly concurrencyLimit: number | null;
  readonly lane: number | null;
  readonly rateLimitKey: string | null;
  readonly weight: number | null;
}

const claimed = (row: string) => `jsonb_build_object(
  'attempt', ${row}.attempt, 'workerId', ${row}.worker_id, 'claimNumber', ${row}.claim_number::text,
  'concurrencyKey', ${row}.concurrency_key, 'concurrencyLimit', ${row}.concurrency_limit, 'lane', ${row}.concurrency_lane,
  'rateLimitKey', ${row}.rate_limit_key, 'weight', ${row}.rate_limit_weight)`;

const install = `
create table effects (
  n bigint not null, id uuid not null, attempt integer not null, at timestamptz not null default clock_timestamp());
create table audit (
  place bigint generated always as identity, at timestamptz not null default clock_timestamp(),
  xid xid8 not null default pg_current_xact_id(), id uuid not null, before jsonb, after jsonb);
create function audit_job() returns trigger language plpgsql as $$
begin
  insert into public.audit (id, before, after)
  values (coalesce(new.id, old.id),
          case when tg_op <> 'INSERT' then ${claimed("old")} end,
          case when tg_op <> 'DELETE' then ${claimed("new")} end);
  return null;
end
$$;
create table windows (key text not null, started_at timestamptz not null);
create function audit_limit() returns trigger language plpgsql as $$
begin
  insert into public.windows (key, started_at)
  select new.key, new.window_started_at where new.window_started_at is not null;
  return null;
end
$$;
create trigger audit_limit after insert or update on pawl.rate_limits for each row execute function audit_limit();
create trigger audit_job after insert or update or delete on pawl.jobs for each row execute function audit_job();`;

/** When a window of a fixed rate limit began, by the database's clock. */
export interface Window {
  readonly key: string;
  readonly startedAtMs: number;
}

/** Makes the tables of a run's evidence in a database that has Pawl's schema. */
export async function installAudit(client: Client): Promise<void> {
  await client.query(install);
}
