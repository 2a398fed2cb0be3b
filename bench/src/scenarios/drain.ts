import { drained } from "./drained.ts";
import type { Scenario } from "./scenario.ts";

export const drain: Scenario = {
  name: "drain",
  title: "Drain",
  description:
    "200,000 ready jobs whose handlers do nothing, run by one worker process, and by four. A contender that needs " +
    "more than 15 s is told by what it has done by then.",
  hasDefaults: true,
  measure: async (measurement) => {
    const count = measurement.isQuick ? 40_000 : 200_000;
    await measurement.freshDatabase();
    const one = await drained(measurement, { jobs: { count }, of: "1 process" });
    if (measurement.isQuick) return [one.rate, ...one.costs];
    await measurement.freshDatabase();
    const four = await drained(measurement, { jobs: { count }, processes: 4, of: "4 processes" });
    return [one.rate, four.rate, ...one.costs, ...four.costs];
  },
};
