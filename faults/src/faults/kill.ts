import type { Fault } from "./fault.ts";

export const kill: Fault = {
  id: "F1",
  name: "worker killed",
  what: "workers are killed at random, and started again",
  weight: 14,
  workloads: ["plain", "mixed", "transactional", "leases", "crashers", "keys", "limits"],
  inject: async (stage) => {
    const times = stage.chance.integer(1, 4);
    for (let time = 0; time < times; time += 1) {
      await stage.pauseBetween(100, 700);
      await stage.kill(await stage.worker());
      await stage.pauseBetween(0, 300);
      await stage.start("worker");
    }
  },
};
