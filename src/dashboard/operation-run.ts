import { ClosedError } from "../core/errors.ts";
import { backoff } from "../core/wait.ts";
import { classify } from "../db/sqlstate.ts";
import { endOperation } from "../store/operations.ts";
import type { ChangeContext } from "./context.ts";
import { failureOf, isMistakeOfTheirs } from "./failures.ts";
import { findMatching } from "./matching.ts";
import { commitBatch, type BatchEnd, type HeldOperation } from "./operation-batch.ts";

const largestBatch = 500;
const searchMs = 1_000;
// Between two batches, so that others come to their turn: as long as a batch took, up to this.
const longestPauseMs = 250;
// In a row; then it is left to whoever looks next.
const mostFaults = 10;

type Context = Pick<ChangeContext, "store" | "pawl" | "report">;

interface Size {
  readonly limit: number;
  /** Whether the job of this batch cannot be changed: it is only counted. */
  readonly isSkipped: boolean;
}

/**
 * Works on an operation to its end, a batch after another: with smaller ones where the database is slow, and down to a single
 * job where one cannot be changed. Leaves it to others when the database stays away. Never rejects.
 */
export async function runOperation(context: Context, operation: HeldOperation): Promise<void> {
  const pause = backoff({ initialMs: 500, maxMs: 10_000, random: Math.random });
  let size: Size = { limit: largestBatch, isSkipped: false };
  let faults = 0;
  for (;;) {
    const startedAtMs = performance.now();
    try {
      const end = await runBatch(context, operation, size);
      if (end === "done" || end === "lost") return;
      size = { limit: Math.min(largestBatch, size.limit * 2), isSkipped: false };
      faults = 0;
      pause.reset();
      await rest(Math.min(longestPauseMs, performance.now() - startedAtMs));
    } catch (error) {
      const next = nextSize(size, error);
      if (next === undefined) return fail(context, operation, error);
      size = next;
      if (isMistake(error)) continue;
      faults += 1;
      if (error instanceof ClosedError) return;
      if (faults >= mostFaults) return context.report(error);
      await rest(pause.next());
    }
  }
}

async function runBatch(
  context: Context,
  operation: HeldOperation,
  { limit, isSkipped }: Size,
): Promise<BatchEnd> {
  const { plan, cursor: after, startedAtMs } = operation;
  const options = { startedAtMs, after, limit, budgetMs: searchMs };
  const found = await findMatching(context.store, plan, options);
  const end = await commitBatch(context, operation, { ...found, isSkipped });
  if (end === "more") operation.cursor = found.next;
  return end;
}

// How many to try next after an error; undefined when it makes no difference.
function nextSize({ limit, isSkipped }: Size, error: unknown): Size | undefined {
  const smaller = Math.max(1, Math.floor(limit / 4));
  // One job alone that cannot be changed, whatever it says: the others can.
  if (isMistake(error)) return isSkipped ? undefined : { limit: smaller, isSkipped: limit === 1 };
  const isPassing = ["reconnect", "resources", "retry"].includes(classify(error));
  return isPassing || error instanceof ClosedError ? { limit: smaller, isSkipped } : undefined;
}

function isMistake(error: unknown): boolean {
  return isMistakeOfTheirs(error) || classify(error) === "reject";
}

async function fail(context: Context, { id }: HeldOperation, error: unknown): Promise<void> {
  context.report(error);
  const { code, message } = failureOf(error).error;
  const end = { state: "failed", error: `${code}: ${message}` } as const;
  await endOperation(context.store, id, end).catch(() => undefined);
}

// A process that has nothing else to do need not wait for it: another takes the operation over.
function rest(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
