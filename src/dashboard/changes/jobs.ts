import { text } from "../../core/options.ts";
import type { Outcomes, Reference } from "../api.ts";
import type { Noted, Planned } from "../audit.ts";
import type { ReadContext } from "../context.ts";
import { bodyOf, checkReferences, checkRescheduling, reschedulingIn } from "./bodies.ts";
import { replayEnded } from "./replay.ts";

const defaultReason = "cancelled by hand";

/** Runs scheduled jobs now, and enqueues those anew that have failed or been cancelled. */
export function planRetry({ pawl }: ReadContext, body: unknown): Planned<Outcomes> {
  const jobs = checkReferences("jobs", bodyOf("retry-jobs", body, ["jobs"]).jobs);
  return planned(jobs, {}, (db) => pawl.jobs.retry(jobs, { db }));
}

/** Cancels live jobs. */
export function planCancel({ pawl }: ReadContext, body: unknown): Planned<Outcomes> {
  const given = bodyOf("cancel-jobs", body, ["jobs", "reason"]);
  const jobs = checkReferences("jobs", given.jobs);
  const reason = text("reason", given.reason ?? defaultReason);
  return planned(jobs, { reason }, (db) => pawl.jobs.cancel(jobs, reason, { db }));
}

/** Changes when waiting jobs run, or how urgent they are. */
export function planReschedule({ pawl }: ReadContext, body: unknown): Planned<Outcomes> {
  const given = bodyOf("reschedule-jobs", body, ["jobs", "runAt", "delay", "priority"]);
  const jobs = checkReferences("jobs", given.jobs);
  const rescheduling = checkRescheduling(given);
  return planned(jobs, reschedulingIn(given), (db) =>
    pawl.jobs.reschedule(jobs, { ...rescheduling, db }),
  );
}

/** Enqueues ended jobs anew. */
export function planReplay({ pawl }: ReadContext, body: unknown): Planned<Outcomes> {
  const jobs = checkReferences("jobs", bodyOf("replay-jobs", body, ["jobs"]).jobs);
  return {
    details: { jobs },
    jobs,
    run: async (store, db) => ({ outcomes: await replayEnded({ pawl, store, db }, jobs) }),
    tell: countOutcomes,
  };
}

interface Result {
  readonly queue: string | null;
  readonly id: string;
  readonly outcome: string;
}

function planned(
  jobs: readonly Reference[],
  details: object,
  command: (db: object) => Promise<readonly Result[]>,
): Planned<Outcomes> {
  return {
    details: { jobs, ...details },
    jobs,
    run: async (_store, db) => {
      const results = await command(db);
      // What a command says besides is not for the page.
      return { outcomes: results.map(({ queue, id, outcome }) => ({ queue, id, outcome })) };
    },
    tell: countOutcomes,
  };
}

function countOutcomes({ outcomes }: Outcomes): Noted {
  const counts: Record<string, number> = {};
  for (const { outcome } of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return { details: { outcomes: counts } };
}
