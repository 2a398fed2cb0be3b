import { atomically } from "../client/write-options.ts";
import { createUuidV7 } from "../core/uuid.ts";
import {
  addOperation,
  advanceOperation,
  endOperation,
  listOperations,
  lockOperation,
  takeOperation,
  type StoredOperation,
} from "../store/operations.ts";
import { searchHistory, searchJobs, type Found } from "../store/dashboard-search.ts";
import type { JobReference } from "../core/job.ts";
import type { Count, OperationPlan, OperationRow } from "./api.ts";
import { audited } from "./audit.ts";
import { readRescheduling } from "./bodies.ts";
import type { DashboardContext, Identity } from "./context.ts";

const batchSize = 500;
const searchMs = 1_000;
const countMs = 250;
const countPage = 1_000;
const mostAtOnce = 2;
// Longer than a batch takes; after it, another process takes over.
const holdMs = 60_000;

const changed: ReadonlySet<string> = new Set([
  ...["retried", "replayed", "cancelled", "cancelling", "rescheduled"],
]);

/** Changes of all jobs that match, in the background, a batch after another; what one process leaves, another takes up. */
export class Operations {
  readonly #context: DashboardContext;
  readonly #newId = createUuidV7(Date.now);
  readonly #running = new Map<string, Promise<void>>();

  constructor(context: DashboardContext) {
    this.#context = context;
  }

  /** The newest ones; also takes up what nobody works on any more. */
  async list(): Promise<readonly OperationRow[]> {
    await this.#takeOver();
    const operations = await listOperations(this.#context.store);
    return operations.map(toRow);
  }

  /** How many jobs a plan would change, as far as they are counted in time. */
  async count(plan: OperationPlan): Promise<Count> {
    const until = performance.now() + countMs;
    let count = 0;
    let after: string | null = null;
    for (;;) {
      const budgetMs = Math.max(1, until - performance.now());
      const found: Found<unknown> = await this.#search(plan, { after, limit: countPage, budgetMs });
      count += found.rows.length;
      after = found.next;
      if (after === null) return { count, isAtLeast: false };
      if (performance.now() >= until) return { count, isAtLeast: true };
    }
  }

  /** Begins one; it goes on in the background. */
  async start(plan: OperationPlan, who: Identity): Promise<OperationRow> {
    // A filter that is wrong is refused now.
    await this.#search(plan, { after: null, limit: 1, budgetMs: 1 });
    const id = this.#newId();
    const change = { action: "start-operation", who, details: { id, plan } };
    await audited(this.#context, change, (_, store) =>
      addOperation(
        store,
        { id, plan: JSON.stringify(plan), by: who.name, role: who.role },
        this.#running.size < mostAtOnce ? holdMs : 0,
      ),
    );
    if (this.#running.size < mostAtOnce) this.#run(id);
    const [operation] = await listOperations(this.#context.store, id);
    if (operation === undefined) throw new RangeError("expected the operation that was begun");
    return toRow(operation);
  }

  /** Resolves when those that run here have ended, or stopped for a fault: for tests, and for an end in good order. */
  async idle(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #takeOver(): Promise<void> {
    while (this.#running.size < mostAtOnce) {
      const id = await takeOperation(this.#context.store, holdMs);
      if (id === undefined) return;
      this.#run(id);
    }
  }

  #run(id: string): void {
    if (this.#running.has(id)) return;
    const work = this.#runAll(id).finally(() => this.#running.delete(id));
    this.#running.set(id, work);
  }

  async #runAll(id: string): Promise<void> {
    try {
      while (await this.#batch(id));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const end = { state: "failed", error: this.#context.redactor.mask(message).text } as const;
      // A database that is away: whoever comes later takes it up.
      await endOperation(this.#context.store, id, end).catch(() => undefined);
    }
    await this.#takeOver().catch(() => undefined);
  }

  /** Whether there is more to do. */
  #batch(id: string): Promise<boolean> {
    return atomically(this.#context.store, {}, async (store, db) => {
      const operation = await lockOperation(store, id);
      if (operation?.state !== "running") return false;
      const plan = JSON.parse(operation.plan) as OperationPlan; // as `start` has written it
      const bounds = { after: operation.cursor, limit: batchSize, budgetMs: searchMs };
      const { rows, next, examined } = await this.#search(plan, bounds);
      const outcomes = rows.length === 0 ? [] : await this.#change(plan, rows, db);
      const done = outcomes.filter((outcome) => changed.has(outcome)).length;
      await advanceOperation(store, id, {
        ...{ cursor: next, examined, changed: done, refused: rows.length - done },
        ...{ holdMs, isLast: next === null },
      });
      return next !== null;
    });
  }

  #search(
    plan: OperationPlan,
    bounds: { readonly after: string | null; readonly limit: number; readonly budgetMs: number },
  ): Promise<Found<JobReference>> {
    const { store } = this.#context;
    return plan.from === "jobs"
      ? searchJobs(store, plan.filter, bounds)
      : searchHistory(store, { ...plan.filter, final: "true" }, bounds);
  }

  async #change(
    plan: OperationPlan,
    jobs: readonly JobReference[],
    db: object,
  ): Promise<readonly string[]> {
    const { jobs: commands } = this.#context.pawl;
    const named = jobs.map(({ queue, id }) => ({ queue, id }));
    const results =
      plan.action === "cancel"
        ? await commands.cancel(named, "cancelled with all that matched", { db })
        : plan.action === "reschedule"
          ? await commands.reschedule(named, { ...readRescheduling(plan.rescheduling), db })
          : await commands.retry(named, { db });
    return results.map(({ outcome }) => outcome);
  }
}

function toRow(operation: StoredOperation): OperationRow {
  const { id, state, examined, refused, error } = operation;
  return {
    id,
    plan: JSON.parse(operation.plan) as OperationPlan, // as `start` has written it
    state,
    startedBy: operation.started_by,
    startedAt: new Date(operation.started_at_ms).toISOString(),
    finishedAt:
      operation.finished_at_ms === null ? null : new Date(operation.finished_at_ms).toISOString(),
    ...{ examined, changed: operation.changed, refused, error },
  };
}
