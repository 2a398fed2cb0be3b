import type { Measurement } from "../measurement.ts";
import { query } from "../servers/postgres.ts";
import { Crew } from "./crew.ts";
import { drained } from "./drained.ts";
import { duration, quotient } from "./figures.ts";
import type { Figure, Scenario } from "./scenario.ts";

const queues = 1_000;

export const manyQueues: Scenario = {
  name: "many queues",
  title: "Many queues",
  description:
    "100,000 jobs over 1,000 queues, run by one process that serves them all, beside the same jobs in one queue; " +
    "and the slowest statement, in the mean, of a worker that has nothing to do. graphile-worker's workers " +
    "subscribe to tasks: there it is 1,000 tasks.",
  needs: "many queues",
  isOwn: true,
  measure: async (measurement) => {
    const count = measurement.isQuick ? 10_000 : 100_000;
    await measurement.freshDatabase();
    const one = await drained(measurement, { jobs: { count }, of: "1 queue" });
    await measurement.freshDatabase({ queues });
    const many = await drained(measurement, { jobs: { count, queues }, of: "1,000 queues" });
    return [
      one.rate,
      many.rate,
      quotient("1,000 queues ÷ 1 queue", many.rate, one.rate),
      ...(await idleTime(measurement)),
    ];
  },
};

async function idleTime(measurement: Measurement): Promise<Figure[]> {
  if (measurement.contender.server === "redis") return [];
  const crew = await Crew.start(measurement);
  await pause(2_000);
  await query(measurement.url, "select pg_stat_statements_reset()");
  await pause(measurement.isQuick ? 2_000 : 5_000);
  const [row] = await query<{ ms: number | null }>(
    measurement.url,
    `select max(mean_exec_time) as ms from pg_stat_statements
      where calls > 1 and dbid = (select oid from pg_database where datname = current_database())`,
  );
  await crew.end();
  return [duration("idle poll", row?.ms ?? 0)];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
