import { SteadyRun } from "./steady-run.ts";
import type { Scenario } from "./scenario.ts";

const limitMs = 90_000;

export const memory: Scenario = {
  name: "memory",
  title: "Memory",
  description:
    "The steady work, for 8 s and then for 1,000,000 jobs more or 90 s: how much the worker's memory has grown in " +
    "that time, measured after a garbage collection.",
  isOwn: true,
  measure: async (measurement) => {
    const jobs = measurement.isQuick ? 50_000 : 1_000_000;
    await measurement.freshDatabase();
    const run = await SteadyRun.start(measurement);
    await run.forMs(measurement.isQuick ? 2_000 : 8_000);
    const before = await run.workerUsage();
    const from = run.executed;
    await run.until(from + jobs, limitMs);
    const after = await run.workerUsage();
    const executed = run.executed - from;
    await run.end();
    return [
      { metric: "jobs run", unit: "jobs", value: executed },
      { metric: "growth of its memory", unit: "MB", value: after.memoryMb - before.memoryMb },
      { metric: "growth of its heap", unit: "MB", value: after.heapMb - before.heapMb },
      { metric: "memory at the end", unit: "MB", better: "lower", value: after.memoryMb },
    ];
  },
};
