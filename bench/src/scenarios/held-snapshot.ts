import { Client } from "pg";
import type { Measurement } from "../measurement.ts";
import { firstTimed, monotonicMs, type LedgerReport } from "../processes/ledger.ts";
import { duration, quantile, rate } from "./figures.ts";
import type { Figure, Scenario } from "./scenario.ts";
import { SteadyRun } from "./steady-run.ts";

const commitAfterMs = 200;

export const heldSnapshot: Scenario = {
  name: "held snapshot",
  title: "Held snapshot",
  description:
    "The steady work for 3 minutes while an old snapshot is held open, a transaction that has written is idle, and " +
    "a third is prepared. Told are the rates of the first and of the last 20 s, and how soon jobs are found whose " +
    "transactions commit 200 ms after their insert.",
  needs: "enqueue in a transaction",
  lacking: ({ server }) =>
    server === "redis" ? "Redis has no snapshots and no transactions that stay open" : undefined,
  isOwn: true,
  measure: async (measurement) => {
    await measurement.freshDatabase();
    const release = await holdBack(measurement.url);
    try {
      return await measured(measurement);
    } finally {
      await release();
    }
  },
};

async function measured(measurement: Measurement): Promise<readonly Figure[]> {
  const windowMs = measurement.isQuick ? 3_000 : 20_000;
  const betweenMs = measurement.isQuick ? 2_000 : 140_000;
  const run = await SteadyRun.start(measurement);
  const late = await measurement.open();
  const lateCount = Math.floor((windowMs * 2 + betweenMs) / (commitAfterMs + 20));
  const committedAt = late.do("enqueueLate", lateCount, commitAfterMs);
  committedAt.catch(() => undefined);
  const first = await rateWithin(run, windowMs);
  await run.forMs(betweenMs);
  const last = await rateWithin(run, windowMs);
  const times = await committedAt;
  await measurement.end(late);
  const { reports } = await run.end(times.length);
  const waits = lateWaits(reports, times);
  return [
    rate("run, first window", first, windowMs),
    rate("run, last window", last, windowMs),
    { metric: "last ÷ first", unit: "", better: "higher", value: last / first },
    duration("late commits found, p50", quantile(waits, 0.5)),
    duration("late commits found, p95", quantile(waits, 0.95)),
  ];
}

async function rateWithin(run: SteadyRun, windowMs: number): Promise<number> {
  const before = run.executed;
  await run.forMs(windowMs);
  return run.executed - before;
}

function lateWaits(reports: readonly LedgerReport[], committedAt: readonly number[]): number[] {
  return committedAt.map((at, index) => {
    const starts = reports.flatMap(({ started }) => started.get(firstTimed + index) ?? []);
    const [start, ...others] = starts;
    if (others.length > 0 || Number.isNaN(start)) throw new Error("a late job has run twice");
    // One that has not run yet has waited until now at least.
    return (start ?? monotonicMs()) - at;
  });
}

/** Holds the horizon of dead rows back in three ways; the result lets go. */
async function holdBack(url: string): Promise<() => Promise<void>> {
  const [reader, writer, preparer] = await Promise.all([1, 2, 3].map(() => connect(url)));
  if (reader === undefined || writer === undefined || preparer === undefined) throw new Error();
  await reader.query("begin isolation level repeatable read");
  await reader.query("select count(*) from effects");
  await writer.query("begin");
  await writer.query("insert into effects (n) values (-1)");
  await preparer.query("begin");
  await preparer.query("insert into effects (n) values (-2)");
  await preparer.query("prepare transaction 'bench'");
  return async () => {
    await preparer.query("rollback prepared 'bench'");
    await Promise.all([reader, writer, preparer].map((client) => client.end()));
  };
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}
