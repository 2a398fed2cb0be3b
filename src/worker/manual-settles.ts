import type { Random } from "../core/clock.ts";
import { backoff, wait } from "../core/wait.ts";
import { classify } from "../db/sqlstate.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import {
  isMissingPartition,
  makeHistoryPartitions,
  partitionDaysAhead,
} from "../store/partitions.ts";
import {
  claimKey,
  findSettled,
  settleJobs,
  type Settlement,
  type Settler,
} from "../store/settles.ts";
import type { Store } from "../store/store.ts";

const maxStatement = 256;

/**
 * Writes settlements of one worker, each job once, and tries again for a while when the database cannot be reached. Resolves
 * with the jobs that the worker did not hold; the others are settled.
 */
export async function writeSettlements(
  store: Store,
  worker: Settler,
  settlements: readonly Settlement[],
  trying: { readonly forMs: number; readonly random: Random },
): Promise<ClaimedJob[]> {
  const until = performance.now() + trying.forMs;
  const pause = backoff({ initialMs: 20, maxMs: 1_000, random: trying.random });
  const lost: ClaimedJob[] = [];
  for (const group of groupByStatement(settlements)) {
    for (;;) {
      try {
        lost.push(...(await settleGroup(store, worker, group)));
        break;
      } catch (error) {
        if (isMissingPartition(error)) {
          await makeHistoryPartitions(store, worker.retentionMs, partitionDaysAhead);
        } else if (!isPassing(error)) throw error;
        if (performance.now() >= until) throw error;
        await wait(pause.next());
      }
    }
  }
  return lost;
}

/** The same in the caller's transaction, which an error has spoilt: nothing is tried again. */
export async function writeJoinedSettlements(
  joined: Store,
  worker: Settler,
  settlements: readonly Settlement[],
): Promise<ClaimedJob[]> {
  const lost: ClaimedJob[] = [];
  for (const group of groupByStatement(settlements)) {
    lost.push(...(await settleGroup(joined, worker, group)));
  }
  return lost;
}

// Fewer than were sent: an earlier try was committed and its reply lost, which the history shows, or the claim was lost.
async function settleGroup(
  store: Store,
  worker: Settler,
  group: readonly Settlement[],
): Promise<ClaimedJob[]> {
  const settled = await settleJobs(store, worker, group);
  if (settled === group.length) return [];
  const jobs = group.map(({ job }) => job);
  const recorded = await findSettled(store, worker.workerId, jobs);
  return jobs.filter((job) => !recorded.has(claimKey(job)));
}

// One statement names one queue and goes one way. Ids in order are the one lock order.
function groupByStatement(settlements: readonly Settlement[]): Settlement[][] {
  const groups = new Map<string, Settlement[]>();
  for (const settlement of [...settlements].sort((a, b) => (a.job.id < b.job.id ? -1 : 1))) {
    const key = `${settlement.then === "gone" ? "finish" : "return"} ${settlement.job.queue}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [settlement]);
    else group.push(settlement);
  }
  return [...groups.values()].flatMap(inStatements);
}

function inStatements(group: readonly Settlement[]): Settlement[][] {
  const statements: Settlement[][] = [];
  for (let from = 0; from < group.length; from += maxStatement) {
    statements.push(group.slice(from, from + maxStatement));
  }
  return statements;
}

function isPassing(error: unknown): boolean {
  return ["retry", "reconnect", "resources"].includes(classify(error));
}
