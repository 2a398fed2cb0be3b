import type { Measurement } from "../measurement.ts";
import { firstTimed, monotonicMs } from "../processes/ledger.ts";
import { Crew } from "./crew.ts";
import { duration, quantile } from "./figures.ts";
import type { Figure, Scenario } from "./scenario.ts";

export const latency: Scenario = {
  name: "latency",
  title: "Latency",
  description:
    "From the enqueue call to the start of the handler in another process, at 10, 100 and 1,000 jobs/s, whether or " +
    "not those before are through (an open loop). A call that is made late counts from when it was due.",
  hasDefaults: true,
  measure: async (measurement) => {
    const figures: Figure[] = [];
    for (const jobsPerSecond of measurement.isQuick ? [100] : [10, 100, 1_000]) {
      figures.push(...(await measured(measurement, jobsPerSecond)));
    }
    return figures;
  },
};

const warmUpSeconds = 2;
const quickSeconds = 3;
/** Few jobs a second need longer to tell a p99. */
const secondsAt = (jobsPerSecond: number): number => (jobsPerSecond > 100 ? 10 : 20);

async function measured(measurement: Measurement, jobsPerSecond: number): Promise<Figure[]> {
  const seconds = warmUpSeconds + (measurement.isQuick ? quickSeconds : secondsAt(jobsPerSecond));
  await measurement.freshDatabase();
  const crew = await Crew.start(measurement);
  const count = jobsPerSecond * seconds;
  const sentAt = await measurement.withProcess((producer) =>
    producer.do("enqueuePaced", jobsPerSecond, count),
  );
  await crew.until(count, 10_000);
  const { reports } = await crew.end();
  const started = reports.map((report) => report.started);
  const waits = sentAt
    .map((at, index) => {
      const start = started.flatMap((starts) => starts.get(firstTimed + index) ?? []);
      if (start.length > 1 || Number.isNaN(start[0])) throw new Error("a job has run twice");
      // One that has not run yet has waited until now at least.
      return (start[0] ?? monotonicMs()) - at;
    })
    .slice(jobsPerSecond * warmUpSeconds);
  const at = `at ${jobsPerSecond.toLocaleString("en")} jobs/s`;
  return [
    duration(`p50 ${at}`, quantile(waits, 0.5)),
    duration(`p95 ${at}`, quantile(waits, 0.95)),
    duration(`p99 ${at}`, quantile(waits, 0.99)),
    duration(`max ${at}`, Math.max(...waits)),
  ];
}
