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
  isKept,
  settleJobs,
  type SettleContext,
  type Settlement,
} from "../store/settles.ts";
import type { Store } from "../store/store.ts";

const maxStatement = 256;

/**
 * Writes settlements of one worker, each job once, and tries again for a while when the database cannot be reached. Resolves
 * with the jobs that the worker did not hold; the others are settled.
 */
export async function writeSettlements(
  store: Store,
  context: SettleContext,
  settlements: readonly Settlement[],
  trying: { readonly forMs: number; readonly random: Random },
): Promise<ClaimedJob[]> {
  const until = performance.now() + trying.forMs;
  const pause = backoff({ initialMs: 20, maxMs: 1_000, random: trying.random });
  const lost: ClaimedJob[] = [];
  for (const group of groupByStatement(settlements, context)) {
    for (;;) {
      try {
        lost.push(...(await settleGroup(store, context, group)));
        break;
      } catch (error) {
        if (isMissingPartition(error)) {
          await makePartitions(store, retentionsOf(group, context));
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
  context: SettleContext,
  settlements: readonly Settlement[],
): Promise<ClaimedJob[]> {
  const lost: ClaimedJob[] = [];
  for (const group of groupByStatement(settlements, context)) {
    lost.push(...(await settleGroup(joined, context, group)));
  }
  return lost;
}

// Fewer than were sent: an earlier try was committed and its reply lost, which the history shows, or the claim was lost.
async function settleGroup(
  store: Store,
  context: SettleContext,
  group: readonly Settlement[],
): Promise<ClaimedJob[]> {
  const settled = await settleJobs(store, context, group);
  if (settled === group.length) return [];
  const jobs = group.map(({ job }) => job);
  const recorded = await findSettled(store, context.workerId, jobs);
  return group
    .filter(({ job, outcome }) => recorded.get(claimKey(job))?.outcome !== outcome)
    .map(({ job }) => job);
}

// One statement names one queue and goes one way. Ids in order are the one lock order. What leaves no row in the history goes
// alone: only the count tells then whether it was held.
function groupByStatement(
  settlements: readonly Settlement[],
  { historyOf }: SettleContext,
): Settlement[][] {
  const groups = new Map<string, Settlement[]>();
  for (const settlement of [...settlements].sort((a, b) => (a.job.id < b.job.id ? -1 : 1))) {
    const { job, outcome, then } = settlement;
    const alone = isKept(historyOf(job), outcome) ? "" : job.id;
    const key = `${then === "gone" ? "finish" : "return"} ${alone} ${job.queue}`;
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

/** For how long the history of these settlements is kept, each duration once. */
export function retentionsOf(
  settlements: readonly Settlement[],
  { historyOf }: SettleContext,
): number[] {
  return [...new Set(settlements.map(({ job }) => historyOf(job).retentionMs))];
}

async function makePartitions(store: Store, retentions: readonly number[]): Promise<void> {
  for (const retentionMs of retentions) {
    await makeHistoryPartitions(store, retentionMs, partitionDaysAhead);
  }
}

function isPassing(error: unknown): boolean {
  return ["retry", "reconnect", "resources"].includes(classify(error));
}
