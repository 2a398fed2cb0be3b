import type { Measurement } from "../measurement.ts";
import type { Batches } from "../processes/commands.ts";
import { Crew } from "./crew.ts";
import { checkExactlyOnce } from "./exactly-once.ts";
import { costFigures, rate } from "./figures.ts";
import type { Figure } from "./scenario.ts";

interface DrainOptions {
  readonly jobs: Omit<Batches, "from" | "batch">;
  readonly processes?: number;
  readonly concurrency?: number;
  /** What is added to the names of the metrics. */
  readonly of?: string;
  /** A contender that is not through by then is told by its rate until then. */
  readonly limitMs?: number;
  /** Begins what goes on beside it; its costs count as well. */
  readonly beside?: () => Promise<Company>;
}

/** What goes on beside a drain. */
export interface Company {
  end(): Promise<void>;
}

interface Drained {
  readonly executed: number;
  readonly rate: Figure;
  readonly costs: readonly Figure[];
}

const batch = 10_000;
const defaultLimitMs = 15_000;
const quickLimitMs = 5_000;

/** Fills the database, drains it, and tells the rate and its costs; every job must have been executed exactly once. */
export async function drained(
  measurement: Measurement,
  { jobs, processes = 1, concurrency, of, limitMs = defaultLimitMs, beside }: DrainOptions,
): Promise<Drained> {
  await measurement.withProcess((producer) =>
    producer.do("enqueueMany", { from: 0, batch, ...jobs }),
  );
  const { costs, result } = await measurement.costsOf(async () => {
    const company = await beside?.();
    try {
      const crew = await Crew.start(measurement, { processes, concurrency });
      const isComplete = await crew.until(jobs.count, measurement.isQuick ? quickLimitMs : limitMs);
      return { isComplete, ...(await crew.end()) };
    } finally {
      await company?.end();
    }
  });
  const { isComplete, executed, reports, usages, ms } = result;
  checkExactlyOnce(reports, { total: jobs.count, isComplete });
  const variant = of === undefined ? {} : { of };
  return {
    executed,
    rate: rate(of === undefined ? "drained" : `drained, ${of}`, executed, ms),
    costs: costFigures(executed, { costs, usages, ...variant }),
  };
}
