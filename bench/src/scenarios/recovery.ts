import { Crew } from "./crew.ts";
import { checkExactlyOnce } from "./exactly-once.ts";
import { duration } from "./figures.ts";
import type { Scenario } from "./scenario.ts";

const jobs = 500;
const longestMs = 60_000;
const quickLimitMs = 15_000;

export const recovery: Scenario = {
  name: "recovery",
  title: "Recovery",
  description:
    "A worker that runs 500 jobs is killed (SIGKILL) while another one is there, as on another machine: only the lease " +
    "tells. The time until the last of the 500 has run again; 60 s stands for: not within 60 s.",
  isOwn: true,
  measure: async (measurement) => {
    await measurement.freshDatabase();
    const victim = await Crew.start(measurement, { handler: "hang", concurrency: jobs });
    await measurement.withProcess((producer) =>
      producer.do("enqueueMany", { from: 0, count: jobs, batch: jobs }),
    );
    if (!(await victim.until(jobs, 30_000))) throw new Error("expected 500 jobs at once");
    await measurement.withProcess((admin) => admin.do("separateMachines"));
    const heir = await Crew.start(measurement);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const killedAt = performance.now();
    await victim.kill();
    const limitMs = measurement.isQuick ? quickLimitMs : longestMs;
    await heir.until(jobs, limitMs);
    const ms = Math.min(limitMs, performance.now() - killedAt);
    const { executed, reports } = await heir.end();
    checkExactlyOnce(reports, { total: jobs, isComplete: executed >= jobs });
    return [
      duration("until all have run again", ms),
      { metric: "run again in that time", unit: "jobs", better: "higher", value: executed },
    ];
  },
};
