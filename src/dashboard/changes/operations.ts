import { OptionError } from "../../core/errors.ts";
import { uuid } from "../../core/options.ts";
import { startOperation, stopOperation, type OperationInfo } from "../../store/operations.ts";
import type { Count, Done, OperationPlan, OperationRow } from "../api.ts";
import type { Planned } from "../audit.ts";
import type { Identity, ReadContext } from "../context.ts";
import { assertSearchable } from "../secret-search.ts";
import { bodyOf } from "./bodies.ts";
import { checkPlan, findMatching } from "./plan.ts";

const maxRunning = 20;
const countBudgetMs = 250;
const countBatch = 500;

/** Begins an operation. */
export function planStart(
  { redactor }: ReadContext,
  body: unknown,
  who: Identity,
): Planned<OperationRow> {
  const plan = checkPlan("start-operation", body);
  assertSearchable(plan.filter.search, redactor);
  return {
    details: { plan },
    run: async (store) => {
      const started = await startOperation(store, {
        startedBy: who.name,
        plan: JSON.stringify(plan),
        maxRunning,
      });
      if (started !== undefined) return toOperationRow(started);
      const expected = `fewer than ${maxRunning} operations under way`;
      throw new OptionError(`expected ${expected}, got ${maxRunning}; stop one, or wait`, {
        ...{ option: "operation", expected, got: String(maxRunning) },
      });
    },
    tell: ({ id }) => ({ details: { id } }),
  };
}

/** Stops an operation; what it has done stays done. */
export function planStop(body: unknown): Planned<Done> {
  const id = uuid("id", bodyOf("stop-operation", body, ["id"]).id);
  return {
    details: { id },
    run: async (store) => ({ changed: await stopOperation(store, id) }),
    tell: ({ changed }) => ({ details: { changed } }),
  };
}

/** Counts what an operation would change, as far as that gets in a quarter of a second. */
export async function countMatching(
  { store, redactor }: ReadContext,
  body: unknown,
): Promise<Count> {
  const plan = checkPlan("count-matching", body);
  assertSearchable(plan.filter.search, redactor);
  const until = performance.now() + countBudgetMs;
  let count = 0;
  let after: string | null = null;
  do {
    const budgetMs = Math.max(1, Math.ceil(until - performance.now()));
    const bounds = { after, limit: countBatch, budgetMs, before: undefined };
    const { jobs, next } = await findMatching(store, plan, bounds);
    count += jobs.length;
    after = next;
  } while (after !== null && performance.now() < until);
  return { count, isAtLeast: after !== null };
}

/** An operation as the page shows it. */
export function toOperationRow({ plan, ...info }: OperationInfo): OperationRow {
  return {
    ...info,
    plan: JSON.parse(plan) as OperationPlan, // it was checked before it was written
    startedAt: info.startedAt.toISOString(),
    finishedAt: info.finishedAt?.toISOString() ?? null,
  };
}
