import { roughDuration } from "../../core/duration.ts";
import type { Database } from "../../db/database.ts";
import { diagnosisTimeoutMs, readBackend, readServerClock } from "../../store/diagnosis.ts";
import { inBoundedTransaction, storeOn, type Store } from "../../store/store.ts";
import { ok, warning, type DiagnosisFinding } from "./finding.ts";

const toleratedSkewMs = 2_000;
// Somebody else may take a pooler's connection in between.
const rounds = 3;

/** Compares this process's clock with the server's. */
export async function diagnoseClock(
  store: Store<Database>,
  now: () => number,
): Promise<DiagnosisFinding[]> {
  const skew = await inBoundedTransaction(store, diagnosisTimeoutMs, async (tx) => {
    const askedAt = now();
    const serverMs = await readServerClock(tx);
    const answeredAt = now();
    return { ms: (askedAt + answeredAt) / 2 - serverMs, uncertainMs: (answeredAt - askedAt) / 2 };
  });
  return [judgeClock(skew)];
}

/** How far this process's clock is ahead of the server's, give or take how long the answer took. */
function judgeClock(skew: { readonly ms: number; readonly uncertainMs: number }): DiagnosisFinding {
  const { ms, uncertainMs } = skew;
  if (Math.abs(ms) - uncertainMs <= toleratedSkewMs) {
    return ok("clock", "The clocks of this process and of the server agree.");
  }
  const where = ms > 0 ? "ahead of" : "behind";
  return warning(
    "clock",
    `This process's clock is ${roughDuration(Math.abs(ms))} ${where} the server's. ` +
      "Only the server's decides about jobs, but a `runAt` that is made here is wrong by as much.",
    "Synchronise the clocks, for example with NTP; or give `delay` instead of `runAt`.",
  );
}

/** Whether a pooler lends one session of the server to several connections in turn. */
export async function diagnosePooler(store: Store<Database>): Promise<DiagnosisFinding[]> {
  const [first, second] = [store.db.dedicated(2), store.db.dedicated(2)];
  try {
    // Where all share a single session, nothing stands between.
    if (first.maxConnections < 2) return [judgePooler([])];
    const backends: [number, number][] = [];
    for (let round = 0; round < rounds; round += 1) {
      backends.push([await backendOf(store, first), await backendOf(store, second)]);
    }
    return [judgePooler(backends)];
  } finally {
    await Promise.all([first.close(), second.close()]);
  }
}

function backendOf(store: Store, database: Database): Promise<number> {
  return inBoundedTransaction(storeOn(store, database), diagnosisTimeoutMs, readBackend);
}

/** Judges by which server processes answered on two open connections, in turn: each has one of its own, and keeps it. */
function judgePooler(backends: readonly (readonly [number, number])[]): DiagnosisFinding {
  const [first, second] = [0, 1].map((place) => new Set(backends.map((pair) => pair[place])));
  const isShared = backends.some(([one, other]) => one === other);
  const isSwapped = (first?.size ?? 0) > 1 || (second?.size ?? 0) > 1;
  if (!isShared && !isSwapped) {
    return ok("pooler", "Each connection has a session of its own, so wake-ups can reach workers.");
  }
  return warning(
    "pooler",
    "A pooler in transaction mode is in the way: LISTEN does not survive it, so workers are not woken and only look " +
      "every `pollInterval`; and statements are not prepared.",
    "Give workers a connection to the server itself, or pool by session (`pool_mode = session` of PgBouncer).",
  );
}
