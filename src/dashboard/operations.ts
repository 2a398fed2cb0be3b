import { createUuidV7 } from "../core/uuid.ts";
import {
  addOperation,
  listOperations,
  takeOperation,
  type StoredOperation,
  type TakenOperation,
} from "../store/operations.ts";
import type { Store } from "../store/store.ts";
import type { Count, OperationPlan, OperationRow } from "./api.ts";
import type { ChangeContext, Identity, Secrets } from "./context.ts";
import { countMatching } from "./matching.ts";
import { holdMs, type HeldOperation } from "./operation-batch.ts";
import { runOperation } from "./operation-run.ts";
import { shownSearch } from "./secret-search.ts";

const mostAtOnce = 2;
const mostListed = 100;

/** Changes of all jobs that match, in the background: what one process leaves, another takes over and repeats nothing. */
export class Operations {
  readonly #context: ChangeContext;
  readonly #newId = createUuidV7(Date.now);
  readonly #running = new Set<string>();
  #isLooking = false;

  constructor(context: ChangeContext) {
    this.#context = context;
  }

  /** The newest ones; also looks for those that nobody works on. */
  async list(): Promise<readonly OperationRow[]> {
    this.look();
    const operations = await listOperations(this.#context.store, mostListed);
    return operations.map((operation) => toRow(operation, this.#context.secrets));
  }

  /** How many jobs a plan means, as far as they can be counted in a moment. */
  count(plan: OperationPlan): Promise<Count> {
    return countMatching(this.#context.store, plan);
  }

  /** Writes one down; whoever looks first works on it when that is committed. */
  async add(store: Store, plan: OperationPlan, who: Identity): Promise<OperationRow> {
    const operation = { id: this.#newId(), plan: JSON.stringify(plan), by: who.name };
    const added = await addOperation(store, { ...operation, role: who.role });
    return toRow(added, this.#context.secrets);
  }

  /** Begins to work on what nobody works on, up to two at once. A database that is away is left for the next time. */
  look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#take()
      .catch(() => undefined)
      .finally(() => {
        this.#isLooking = false;
      });
  }

  async #take(): Promise<void> {
    while (this.#running.size < mostAtOnce) {
      const heldBy = this.#newId();
      const taken = await takeOperation(this.#context.store, { heldBy, holdMs });
      if (taken === undefined) return;
      void this.#run(toHeld(taken, heldBy));
    }
  }

  async #run(operation: HeldOperation): Promise<void> {
    const { heldBy } = operation;
    this.#running.add(heldBy);
    try {
      await runOperation(this.#context, operation);
    } finally {
      this.#running.delete(heldBy);
      this.look();
    }
  }
}

/** A plan as everybody may see it. */
export function shownPlan(plan: OperationPlan, secrets: Secrets): OperationPlan {
  const { search } = plan.filter;
  if (search === undefined) return plan;
  const filter = { ...plan.filter, search: shownSearch(search, secrets) };
  return { ...plan, filter } as OperationPlan; // the same but for the search
}

function toHeld(taken: TakenOperation, heldBy: string): HeldOperation {
  return {
    ...{ id: taken.id, heldBy, cursor: taken.cursor },
    plan: planOf(taken),
    startedBy: taken.started_by,
    startedAtMs: Math.ceil(taken.started_at_ms),
  };
}

function toRow(operation: StoredOperation, secrets: Secrets): OperationRow {
  const { id, state, examined, changed, refused, error } = operation;
  const { started_at_ms: startedMs, finished_at_ms: finishedMs } = operation;
  return {
    ...{ id, plan: shownPlan(planOf(operation), secrets), state },
    startedBy: operation.started_by,
    startedAt: new Date(startedMs).toISOString(),
    finishedAt: finishedMs === null ? null : new Date(finishedMs).toISOString(),
    ...{ examined, changed, refused, error },
  };
}

function planOf({ plan }: { readonly plan: string }): OperationPlan {
  return JSON.parse(plan) as OperationPlan; // checked before it was written down
}
