import type { Fault } from "./fault.ts";

export const signals: Fault = {
  id: "F15",
  name: "workers told to stop",
  what: "workers are told to stop, as a deployment does, some twice, and others start in their place",
  weight: 6,
  workloads: ["plain", "mixed", "transactional", "leases", "keys"],
  inject: async (stage) => {
    for (let time = 0; time < 3; time += 1) {
      await stage.pauseBetween(100, 500);
      const { process } = await stage.worker();
      const signal = stage.chance.pick(["SIGTERM", "SIGINT"] as const);
      stage.recorder.record({ kind: "told to stop", victim: process.pid });
      process.signal(signal);
      if (stage.chance.isLikely(50)) {
        await stage.pauseBetween(1, 100);
        process.signal("SIGTERM");
      }
      await stage.start("worker");
    }
  },
};
