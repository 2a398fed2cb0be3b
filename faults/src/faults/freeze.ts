import { leaseMs } from "../lease.ts";
import type { Fault } from "./fault.ts";

/** Workers stand still for longer than their lease, and go on as if nothing had been. */
export const freeze: Fault = {
  id: "F3",
  name: "worker frozen",
  weight: 12,
  workloads: ["plain", "transactional", "leases", "keys", "limits"],
  inject: async (stage) => {
    const times = stage.chance.integer(1, 2);
    await stage.pauseBetween(100, 400);
    const frozen = stage.chance.shuffled(stage.workers).slice(0, times);
    await Promise.all(
      frozen.map((worker) =>
        stage.freeze(worker, stage.chance.integer(1.2 * leaseMs, 5 * leaseMs)),
      ),
    );
  },
};
