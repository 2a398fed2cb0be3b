import { execute } from "../servers/admin.ts";
import type { Stage } from "../stage.ts";
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

export const killProducer: Fault = {
  id: "F1b",
  name: "producer killed",
  what: "whoever enqueues is killed: what it was told of is there, and of what it was not told each job is there or not",
  weight: 6,
  workloads: ["plain", "transactional", "coalesced"],
  inject: async (stage) => {
    await untilEnqueued(stage);
    await stage.pauseBetween(100, 1_500);
    const producer = stage.actors.find(({ process }) => process.assignment.role === "producer");
    if (producer !== undefined) await stage.kill(producer);
  },
};

/** Of a producer that has done nothing yet, nothing could be lost. */
async function untilEnqueued(stage: Stage): Promise<void> {
  const query = "select from pawl.jobs union all select from pawl.history limit 1";
  while ((await execute(stage.site.directUrl, query)).length === 0) await stage.pause(20);
}
