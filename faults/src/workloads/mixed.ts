import { JobMaker, type Step, type Workload } from "./workload.ts";

const queues = ["default", "email", "reports", "imports", "media", "billing"];

/** Six queues, priorities, delays, batches of up to 100, cancellations and pauses. */
export const mixed: Workload = {
  name: "mixed",
  callers: 3,
  steps: (chance) => {
    const maker = new JobMaker(chance);
    const enqueued: number[] = [];
    const make = () => {
      const job = maker.make(
        {},
        {
          queue: chance.pick(queues),
          priority: chance.integer(-2, 2),
          ...(chance.isLikely(20) ? { delay: chance.integer(1, 1_500) } : {}),
        },
      );
      enqueued.push(job.act.n);
      return job;
    };
    return Array.from({ length: 40 }, (): Step => {
      const roll = chance.integer(1, 100);
      if (roll <= 15 && enqueued.length > 0) return { how: "cancel", n: chance.pick(enqueued) };
      if (roll <= 22) {
        return { how: "pause a queue", queue: chance.pick(queues), ms: chance.integer(50, 400) };
      }
      if (roll <= 30) {
        return { how: "claim by hand", queue: chance.pick(queues), atMost: chance.integer(1, 4) };
      }
      if (roll <= 38) return { how: "together", jobs: maker.many(chance.integer(20, 100), make) };
      return { how: "singly", jobs: maker.many(chance.integer(1, 6), make) };
    });
  },
};
