import { execute } from "../servers/admin.ts";
import type { Actor, Stage } from "../stage.ts";
import { statements } from "../statements.ts";
import type { Fault } from "./fault.ts";

const longestWaitMs = 1_000;

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
  isProxied: true,
  inject: async (stage) => {
    await untilEnqueued(stage);
    await stage.pauseBetween(100, 1_500);
    const { producer } = stage;
    if (producer === undefined) return;
    if (stage.chance.isLikely(80)) await untilItWrites(stage, producer);
    await stage.kill(producer);
  },
};

/** Until it enqueues or commits, which does not get through: whoever was told before that it had been done was told wrong. */
async function untilItWrites(stage: Stage, { proxy }: Actor): Promise<void> {
  const { enqueue, commit } = statements;
  // There each enqueue commits by itself.
  const isAlone = stage.workload === "coalesced";
  const matches = stage.chance.pick(isAlone ? [enqueue] : [enqueue, commit]);
  const trap = { matches, moment: "before it is forwarded" } as const;
  if (await proxy?.springs(trap, longestWaitMs)) stage.tell(`cut at ${matches.source}`);
}

/** Of a producer that has done nothing yet, nothing could be lost. */
async function untilEnqueued(stage: Stage): Promise<void> {
  const query = "select from pawl.jobs union all select from pawl.history limit 1";
  while ((await execute(stage.site.directUrl, query)).length === 0) await stage.pause(20);
}
