import type { Measurement } from "../measurement.ts";
import { Crew } from "./crew.ts";
import { checkByRunning } from "./exactly-once.ts";
import { costFigures, rate } from "./figures.ts";
import type { Figure, Scenario } from "./scenario.ts";

export const bulkEnqueue: Scenario = {
  name: "bulk enqueue",
  title: "Bulk enqueue",
  description:
    "200,000 jobs by the contender's bulk call, one call after another, in batches of 1,000 and of 10,000.",
  measure: async (measurement) => [
    ...(await enqueued(measurement, 1_000)),
    ...(await enqueued(measurement, 10_000)),
  ],
};

async function enqueued(measurement: Measurement, batch: number): Promise<readonly Figure[]> {
  const count = measurement.isQuick ? 30_000 : 200_000;
  const of = `batches of ${batch.toLocaleString("en")}`;
  await measurement.freshDatabase();
  const { costs, result } = await measurement.costsOf(async () => {
    const producer = await measurement.open();
    const { ms } = await producer.do("enqueueMany", { from: 0, count, batch });
    return { ms, ...(await measurement.end(producer)) };
  });
  await checkByRunning(await Crew.start(measurement), count);
  return [
    rate(`enqueued, ${of}`, count, result.ms),
    ...costFigures(count, { costs, usages: [result.usage], of }),
  ];
}
