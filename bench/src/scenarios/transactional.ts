import type { Measurement } from "../measurement.ts";
import { query } from "../servers/postgres.ts";
import { drained } from "./drained.ts";
import type { Figure, Scenario } from "./scenario.ts";

export const transactional: Scenario = {
  name: "transactional",
  title: "Transactional",
  description:
    "Jobs whose handler writes one row. Pawl's handlers are transactional: the row commits with the job's " +
    "completion. The others open a transaction by hand in each handler, which may commit without the completion.",
  measure: async (measurement) => {
    const figures = await drainedInTransactions(measurement, 24);
    if (measurement.isQuick) return figures;
    return [...figures, ...(await drainedInTransactions(measurement, 100))];
  },
};

async function drainedInTransactions(
  measurement: Measurement,
  concurrency: number,
): Promise<readonly Figure[]> {
  const count = measurement.isQuick ? 3_000 : 20_000;
  const of = `${concurrency} at once`;
  await measurement.freshDatabase({ handler: "write" });
  await query(measurement.effectsUrl, "truncate effects");
  const { rate, costs, executed } = await drained(measurement, {
    jobs: { count },
    concurrency,
    of,
  });
  const [effects] = await query<{ rows: number; jobs: number }>(
    measurement.effectsUrl,
    "select count(*)::integer as rows, count(distinct n)::integer as jobs from effects",
  );
  if (effects?.rows !== executed || effects.jobs !== executed) {
    throw new Error(`expected ${executed} effects, got ${JSON.stringify(effects)}`);
  }
  return [rate, ...costs];
}
