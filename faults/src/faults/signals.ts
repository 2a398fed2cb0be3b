import { leaseMs } from "../lease.ts";
import type { Actor, Stage } from "../stage.ts";
import { statements } from "../statements.ts";
import type { Fault } from "./fault.ts";

export const signals: Fault = {
  id: "F15",
  name: "workers told to stop",
  what: "workers are told to stop, as a deployment does, some twice, and others start in their place",
  weight: 6,
  workloads: ["plain", "mixed", "transactional", "leases", "keys"],
  isProxied: true,
  inject: async (stage) => {
    for (let time = 0; time < 3; time += 1) {
      await stage.pauseBetween(100, 500);
      const worker = await stage.worker();
      const { process } = worker;
      const signal = stage.chance.pick(["SIGTERM", "SIGINT"] as const);
      if (stage.chance.isLikely(50)) await untilItClaims(stage, worker);
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

/** Until its claim is on the way, and the reply is not: what comes is to be given back. */
async function untilItClaims(stage: Stage, { proxy }: Actor): Promise<void> {
  const lateMs = stage.chance.integer(20, 200);
  const trap = { matches: statements.claim, moment: "late", lateMs } as const;
  if (await proxy?.springs(trap, leaseMs)) stage.tell(`a claim is ${lateMs} ms late`);
}
