import { costFigures, rate } from "./figures.ts";
import type { Scenario } from "./scenario.ts";
import { SteadyRun } from "./steady-run.ts";

export const steady: Scenario = {
  name: "steady",
  title: "Steady",
  description:
    "For 60 s, one process enqueues by the thousand so that 8,000 jobs are waiting, and another runs them.",
  measure: async (measurement) => {
    await measurement.freshDatabase();
    const { costs, result } = await measurement.costsOf(async () => {
      const run = await SteadyRun.start(measurement);
      await run.forMs(measurement.isQuick ? 5_000 : 60_000);
      return run.end();
    });
    const { executed, ms, usages } = result;
    return [rate("run", executed, ms), ...costFigures(executed, { costs, usages })];
  },
};
