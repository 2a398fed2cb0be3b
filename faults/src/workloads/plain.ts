import { JobMaker, type Step, type Workload } from "./workload.ts";

/** Jobs enqueued in every way, some in transactions that roll back; some fail at first. */
export const plain: Workload = {
  name: "plain",
  callers: 4,
  steps: (chance) => {
    const maker = new JobMaker(chance);
    const make = () => {
      const isFailing = chance.isLikely(15);
      return maker.make(
        isFailing ? { does: chance.pick(["throw", "snooze"]), times: chance.integer(1, 2) } : {},
        chance.isLikely(20) ? { id: maker.ownId() } : {},
      );
    };
    return Array.from({ length: 60 }, (): Step => {
      const how = chance.pick(["singly", "together", "in a transaction"] as const);
      const jobs = maker.many(chance.integer(1, how === "together" ? 12 : 5), make);
      return how === "in a transaction"
        ? { how, jobs, commits: chance.isLikely(70) }
        : { how, jobs };
    });
  },
};
