import type { Moment } from "../proxy/link.ts";
import type { Assignment } from "../processes/assignment.ts";
import type { Actor, Stage } from "../stage.ts";
import { statements } from "../statements.ts";
import { within } from "../within.ts";
import type { Fault } from "./fault.ts";

type Point =
  | { readonly name: string; readonly statement: RegExp; readonly moment: Moment }
  | { readonly name: string; readonly diesIn: NonNullable<Assignment["diesIn"]> };

const points: readonly Point[] = [
  { name: "after a claim", statement: statements.claim, moment: "never" },
  { name: "before a claim's reply", statement: statements.claim, moment: "before its reply" },
  { name: "before the handler", diesIn: "the handler, before its effect" },
  { name: "after the effect", diesIn: "the handler, after its effect" },
  { name: "before COMMIT", statement: statements.commit, moment: "before it is forwarded" },
  { name: "after COMMIT", statement: statements.commit, moment: "before its reply" },
  { name: "before a settle", statement: statements.settle, moment: "before it is forwarded" },
  { name: "inside a settle", statement: statements.settle, moment: "before its reply" },
];

const longestWaitMs = 3_000;

export const killPoints: Fault = {
  id: "F2",
  name: "worker killed at a point",
  what: "workers are killed at a point of their work that is chosen, not met by luck",
  weight: 10,
  workloads: ["plain", "transactional"],
  isProxied: true,
  inject: async (stage) => {
    for (let time = 0; time < 2; time += 1) {
      await stage.pauseBetween(50, 300);
      await killAt(stage, stage.chance.pick(points));
      await stage.start("worker");
    }
  },
};

async function killAt(stage: Stage, point: Point): Promise<void> {
  if ("diesIn" in point) {
    const doomed = await stage.start("worker", { diesIn: point.diesIn });
    const hasDied = await within(longestWaitMs, doomed.process.ended);
    // It found nothing to do.
    if (hasDied) stage.recorder.record({ kind: "killed", victim: doomed.process.pid });
    else await stage.kill(doomed);
    if (hasDied) stage.tell(`died ${point.name}`);
    return;
  }
  const victim = await stage.worker();
  const trap = { matches: point.statement, moment: point.moment };
  if (await victim.proxy?.springs(trap, longestWaitMs)) stage.tell(`killed ${point.name}`);
  await kill(stage, victim);
}

async function kill(stage: Stage, victim: Actor): Promise<void> {
  if (victim.process.isAlive) await stage.kill(victim);
}
