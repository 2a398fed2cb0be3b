import type {
  HistoryParams,
  JobsParams,
  OperationPlan,
  Rescheduling,
} from "../../src/dashboard/api.ts";
import type { Action } from "./bulk.ts";

/** What a list is filtered by, and what it lists. */
export type Filter =
  | { readonly from: "jobs"; readonly filter: Omit<JobsParams, "after" | "limit"> }
  | { readonly from: "history"; readonly filter: Omit<HistoryParams, "after" | "limit"> };

/** What to do with all that match; undefined when this list has no such action. */
export function planOf(
  action: Action,
  { from, filter }: Filter,
  rescheduling: Rescheduling,
): OperationPlan | undefined {
  if (from === "history") return action === "replay" ? { action, from, filter } : undefined;
  switch (action) {
    case "retry":
    case "cancel":
      return { action, from, filter };
    case "reschedule":
      return { action, from, filter, rescheduling };
    case "replay":
      return undefined;
  }
}
