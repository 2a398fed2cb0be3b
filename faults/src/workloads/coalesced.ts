import { JobMaker, type Step, type Workload } from "./workload.ts";

/** Many calls at once, which share statements; some carry a payload that is refused, which is no other call's concern. */
export const coalesced: Workload = {
  name: "coalesced",
  callers: 6,
  steps: (chance) => {
    const maker = new JobMaker(chance);
    return Array.from({ length: 40 }, (): Step => {
      const jobs = maker.many(chance.integer(4, 16), () => maker.make({ ms: 0 }));
      return chance.isLikely(30)
        ? { how: "with a bad one", jobs, bad: maker.make() }
        : { how: "singly", jobs };
    });
  },
};
