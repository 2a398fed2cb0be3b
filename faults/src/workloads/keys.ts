import type { UniqueMode } from "pawl";
import { JobMaker, type Step, type Workload } from "./workload.ts";

const modes: readonly UniqueMode[] = ["keep", "replace", "keepRunningAndOneWaiting"];

/** Concurrency keys of limits 1 and 3, whose order counts, and unique keys that meet. */
export const keys: Workload = {
  name: "keys",
  callers: 1,
  drainMs: 5_000,
  steps: (chance) => {
    const maker = new JobMaker(chance);
    const make = () => {
      const key = chance.integer(1, 10);
      if (key > 7) {
        const unique = { key: `unique ${key}`, mode: chance.pick(modes) };
        return maker.make({}, { queue: "unique", unique });
      }
      const isFailing = chance.isLikely(8);
      return maker.make(
        { ms: chance.integer(0, 25), ...(isFailing ? { does: "throw" } : {}) },
        { concurrency: { key: `key ${key}`, limit: key > 4 ? 3 : 1 } },
      );
    };
    return Array.from({ length: 60 }, (): Step => {
      const jobs = maker.many(chance.integer(1, 4), make);
      return { how: "together", jobs };
    });
  },
};
