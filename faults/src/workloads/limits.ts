import { JobMaker, type Step, type Workload } from "./workload.ts";

/** Of each, what starts within this long weighs no more than the capacity. */
export const rateLimits = {
  tight: { key: "tight", capacity: 5, interval: 500, mode: "fixed" },
  wide: { key: "wide", capacity: 30, interval: 1_000, mode: "sliding" },
} as const;

/** Jobs under a tight and a wide rate limit, some of them heavy. */
export const limits: Workload = {
  name: "limits",
  callers: 2,
  drainMs: 15_000,
  steps: (chance) => {
    const maker = new JobMaker(chance);
    const make = () => {
      const rateLimit = chance.isLikely(30) ? rateLimits.tight : rateLimits.wide;
      const weight = chance.isLikely(20) ? chance.integer(2, 3) : 1;
      return maker.make({}, { rateLimit: { ...rateLimit, weight } });
    };
    return Array.from({ length: 25 }, (): Step => {
      return { how: "singly", jobs: maker.many(chance.integer(1, 6), make) };
    });
  },
};
