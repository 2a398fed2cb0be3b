import type { Measurement } from "../measurement.ts";
import { Crew } from "./crew.ts";
import { checkByRunning } from "./exactly-once.ts";
import { rate } from "./figures.ts";
import type { Figure, Scenario } from "./scenario.ts";

interface Variant {
  readonly callers: number;
  readonly isInTransaction: boolean;
  readonly isWorkerBusy: boolean;
}

const variants: readonly Variant[] = [false, true].flatMap((isWorkerBusy) =>
  [false, true].flatMap((isInTransaction) =>
    [1, 32].map((callers) => ({ callers, isInTransaction, isWorkerBusy })),
  ),
);

export const singleEnqueue: Scenario = {
  name: "single enqueue",
  title: "Single enqueue",
  description:
    "One job a call: by one caller, and by 32 callers at once who each wait for their own; on its own, and in the " +
    "caller's transaction (begin, enqueue, commit); with no worker, and beside a worker that runs the jobs.",
  measure: async (measurement) => {
    const figures: Figure[] = [];
    const quick = variants.filter(({ isWorkerBusy }) => !isWorkerBusy);
    for (const variant of measurement.isQuick ? quick : variants) {
      const isOffered = measurement.contender.lacks["enqueue in a transaction"] === undefined;
      if (variant.isInTransaction && !isOffered) continue;
      figures.push(await enqueued(measurement, variant));
    }
    return figures;
  },
};

async function enqueued(measurement: Measurement, variant: Variant): Promise<Figure> {
  const { callers, isInTransaction, isWorkerBusy } = variant;
  await measurement.freshDatabase();
  const busy = isWorkerBusy ? await Crew.start(measurement) : undefined;
  const { total, count, ms } = await measurement.withProcess((producer) =>
    producer.do("enqueueSingly", {
      forMs: measurement.isQuick ? 1_000 : 3_000,
      callers,
      isInTransaction,
    }),
  );
  await checkByRunning(busy ?? (await Crew.start(measurement)), total);
  return rate(nameOf(variant), count, ms);
}

function nameOf({ callers, isInTransaction, isWorkerBusy }: Variant): string {
  const who = callers === 1 ? "one caller" : `${callers} callers`;
  const where = isInTransaction ? "in a transaction" : "outside a transaction";
  return `${who}, ${where}${isWorkerBusy ? ", worker busy" : ""}`;
}
