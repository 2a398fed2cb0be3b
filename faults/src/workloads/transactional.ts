import { JobMaker, type Deed, type Step, type Workload } from "./workload.ts";

const abuses: readonly Deed[] = [
  "throw",
  "roll back",
  "commit",
  "break the transaction",
  "end its session",
  "change its session",
];

/** Handlers whose effects commit with the jobs' completion; some of them do to their transaction what they may not. */
export const transactional: Workload = {
  name: "transactional",
  callers: 4,
  steps: (chance) => {
    const maker = new JobMaker(chance);
    const make = () =>
      maker.make(
        chance.isLikely(20) ? { does: chance.pick(abuses), times: chance.integer(1, 2) } : {},
        { isTransactional: true },
      );
    return Array.from({ length: 50 }, (): Step => {
      const how = chance.pick(["singly", "together", "in a transaction"] as const);
      const jobs = maker.many(chance.integer(1, 6), make);
      return how === "in a transaction"
        ? { how, jobs, commits: chance.isLikely(70) }
        : { how, jobs };
    });
  },
};
