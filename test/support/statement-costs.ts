import type { Engine } from "./engine.ts";

/** What one statement has cost since the last reset. */
export interface StatementCost {
  readonly text: string;
  readonly calls: number;
  readonly rows: number;
  /** Bytes written to the write-ahead log. */
  readonly walBytes: number;
}

/** Forgets what statements have cost so far. The server must have loaded pg_stat_statements. */
export async function resetCosts(engine: Engine): Promise<void> {
  await engine.sql("create extension if not exists pg_stat_statements schema public");
  await engine.sql("select public.pg_stat_statements_reset()");
}

/** What every statement has cost since, but for those that look at it. */
export async function statementCosts(engine: Engine): Promise<StatementCost[]> {
  return engine.sql<StatementCost & Record<string, unknown>>(
    `select query as text, calls::int, rows::int, wal_bytes::float8 as "walBytes"
       from public.pg_stat_statements
      where query not like '%pg_stat_statements%'
      order by calls desc`,
  );
}

/** The costs of the statements that hold this text, in one sum. */
export function costOf(costs: readonly StatementCost[], text: string): StatementCost {
  const found = costs.filter((cost) => cost.text.includes(text));
  const sum = (pick: (cost: StatementCost) => number): number =>
    found.reduce((total, cost) => total + pick(cost), 0);
  return {
    text,
    calls: sum(({ calls }) => calls),
    rows: sum(({ rows }) => rows),
    walBytes: sum(({ walBytes }) => walBytes),
  };
}
