import { leaseMs } from "../lease.ts";
import { JobMaker, type Step, type Workload } from "./workload.ts";

/** Handlers of up to three leases, some of which block the event loop, under concurrency keys of limits 1 and 3. */
export const leases: Workload = {
  name: "leases",
  callers: 2,
  worker: { concurrency: 16 },
  drainMs: 12 * leaseMs,
  steps: (chance) => {
    const maker = new JobMaker(chance);
    const make = () => {
      const key = chance.integer(1, 8);
      const ms = Math.round((leaseMs * chance.integer(1, 30)) / 10);
      const isBlocking = chance.isLikely(10);
      return maker.make(
        isBlocking ? { does: "block", ms: Math.min(ms, 1.5 * leaseMs) } : { ms },
        key > 6 ? {} : { concurrency: { key: `key ${key}`, limit: key > 3 ? 3 : 1 } },
      );
    };
    return Array.from({ length: 12 }, (): Step => {
      return { how: "singly", jobs: maker.many(chance.integer(1, 4), make) };
    });
  },
};
