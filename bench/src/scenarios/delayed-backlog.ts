import type { Measurement } from "../measurement.ts";
import { drained } from "./drained.ts";
import { quotient } from "./figures.ts";
import type { Scenario } from "./scenario.ts";

const dayMs = 86_400_000;
const delayedFrom = 500_000_000;

export const delayedBacklog: Scenario = {
  name: "delayed backlog",
  title: "Delayed backlog",
  description:
    "The drain of 100,000 ready jobs by one process, and the same beside 1,000,000 jobs that are due tomorrow.",
  isOwn: true,
  measure: async (measurement) => {
    const count = measurement.isQuick ? 20_000 : 100_000;
    const delayed = measurement.isQuick ? 50_000 : 1_000_000;
    await measurement.freshDatabase();
    const without = await drained(measurement, { jobs: { count }, of: "no other jobs" });
    await measurement.freshDatabase();
    await enqueueDelayed(measurement, delayed);
    const beside = await drained(measurement, { jobs: { count }, of: "beside delayed jobs" });
    return [without.rate, beside.rate, quotient("beside ÷ without", beside.rate, without.rate)];
  },
};

/** Enqueues jobs that are due tomorrow. */
export async function enqueueDelayed(measurement: Measurement, count: number): Promise<void> {
  await measurement.withProcess((producer) =>
    producer.do("enqueueMany", { from: delayedFrom, count, batch: 10_000, delayMs: dayMs }),
  );
}
