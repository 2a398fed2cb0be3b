import { JobMaker, type Act, type Step, type Workload } from "./workload.ts";

/** Jobs that kill their process, exhaust its heap, or throw what is no error; some whenever they run. */
export const crashers: Workload = {
  name: "crashers",
  callers: 2,
  drainMs: 15_000,
  steps: (chance) => {
    const maker = new JobMaker(chance);
    let deaths = 0;
    const act = (): Partial<Act> => {
      if (chance.isLikely(12)) return { does: "throw strangely", times: chance.integer(1, 4) };
      // Each costs a lease, and the more there are the longer the run.
      if (deaths < 3 && chance.isLikely(5)) {
        deaths += 1;
        const does = chance.pick([
          "die before the effect",
          "die after the effect",
          "exhaust the heap",
        ] as const);
        return { does, times: chance.pick([1, 1, 99]) };
      }
      return {};
    };
    return Array.from({ length: 30 }, (): Step => {
      const jobs = maker.many(chance.integer(1, 6), () =>
        maker.make(act(), { maxAttempts: 5, isTransactional: chance.isLikely(20) }),
      );
      return { how: "singly", jobs };
    });
  },
};
