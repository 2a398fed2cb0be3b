import type { Moment } from "../proxy/link.ts";
import type { Stage } from "../stage.ts";
import { statements } from "../statements.ts";
import type { Fault } from "./fault.ts";

const moments: readonly Moment[] = ["before it is forwarded", "before its reply", "amid its reply"];
const forMs = 2_000;

export const commitCut: Fault = {
  id: "F7b",
  name: "wire cut at COMMIT",
  what: "the wire is cut at a COMMIT, or at a statement that commits by itself: an enqueue, a settle",
  weight: 8,
  workloads: ["plain", "transactional", "coalesced", "keys"],
  isProxied: true,
  inject: (stage) =>
    cutAt(stage, [statements.commit, statements.enqueue, statements.settle], moments),
};

export const claimCut: Fault = {
  id: "F7c",
  name: "wire cut at a claim",
  what: "the wire is cut between the commit of a claim and its reply",
  weight: 5,
  workloads: ["plain", "mixed", "transactional", "keys", "limits"],
  isProxied: true,
  inject: (stage) => cutAt(stage, [statements.claim], ["before its reply", "amid its reply"]),
};

async function cutAt(
  stage: Stage,
  places: readonly RegExp[],
  at: readonly Moment[],
): Promise<void> {
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    const matches = stage.chance.pick(places);
    const moment = stage.chance.pick(at);
    // The one that enqueues as often as all the others together, at least.
    const struck = stage.chance.isLikely(50) ? stage.producer : stage.chance.pick(stage.actors);
    struck?.proxy?.trap({
      matches,
      moment,
      sprung: () => {
        stage.tell(`cut ${moment}: ${matches.source}`);
      },
    });
    await stage.pauseBetween(30, 150);
  }
  for (const { proxy } of stage.actors) proxy?.dropTraps();
}
