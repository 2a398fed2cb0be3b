import type { ReadHandlers } from "./answer-api.ts";
import { note, noteFailure } from "./audit.ts";
import { assertRole } from "./authorize.ts";
import type { ChangeContext } from "./context.ts";
import type { TableReads } from "./reads/reads.ts";
import { assertSearchable } from "./secret-search.ts";

const rawAction = "read-raw-job";

/** The reads that show payloads, or search in them, with what keeps secrets from who may not see them. */
export function guardReads(
  { store, secrets }: Pick<ChangeContext, "store" | "secrets">,
  reads: TableReads,
): Pick<ReadHandlers, "jobs" | "history" | "job"> {
  return {
    jobs: async (params, who) => {
      assertSearchable(params.search, who, secrets);
      return reads.jobs(params, who);
    },
    history: async (params, who) => {
      assertSearchable(params.search, who, secrets);
      return reads.history(params, who);
    },
    job: async (params, who) => {
      if (params.raw !== "true") return reads.job(params, who);
      const deed = { action: rawAction, who, details: { queue: params.queue, id: params.id } };
      try {
        assertRole(who, "admin", "payloads with their secrets");
        const job = await reads.job(params, who);
        const { queue, id } = job;
        // Before it is shown: what cannot be noted is not seen.
        await note(store, { ...deed, jobs: [{ queue, id }] }, "done");
        return job;
      } catch (error) {
        await noteFailure({ store }, deed, error);
        throw error;
      }
    },
  };
}
