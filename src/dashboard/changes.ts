import type { JobReference } from "../core/job.ts";
import { queueName, shortText, uuid } from "../core/options.ts";
import type { CommandResult } from "../store/commands.ts";
import { endOperation } from "../store/operations.ts";
import type { Outcomes } from "./api.ts";
import { audited } from "./audit.ts";
import {
  fieldsOf,
  readJobs,
  readName,
  readPlan,
  readReason,
  readRescheduling,
} from "./bodies.ts";
import type { DashboardContext, Identity } from "./context.ts";
import { enqueueByHand } from "./enqueue.ts";
import type { ChangeHandlers } from "./handler.ts";
import type { Operations } from "./operations.ts";

/** Everything that can be changed, by name. */
export function makeChanges(context: DashboardContext, operations: Operations): ChangeHandlers {
  const { pawl } = context;
  return {
    "pause-queue": pausing(context, "pause-queue", (name, db) => pawl.queues.pause(name, { db })),
    "resume-queue": pausing(context, "resume-queue", (name, db) => pawl.queues.resume(name, { db })),
    "pause-task": pausing(context, "pause-task", (name, db) => pawl.tasks.pause(name, { db })),
    "resume-task": pausing(context, "resume-task", (name, db) => pawl.tasks.resume(name, { db })),
    "retry-jobs": (body, who) => retryJobs(context, "retry-jobs", { body, who }),
    "replay-jobs": (body, who) => retryJobs(context, "replay-jobs", { body, who }),
    "cancel-jobs": (body, who) => cancelJobs(context, body, who),
    "reschedule-jobs": (body, who) => rescheduleJobs(context, body, who),
    enqueue: (body, who) => enqueueByHand(context, body, who),
    "unlock-key": (body, who) => unlockKey(context, body, who),
    "count-matching": (body) => operations.count(readPlan(body)),
    "start-operation": (body, who) => operations.start(readPlan(body), who),
    "stop-operation": (body, who) => stopOperation(context, body, who),
  };
}

function pausing(
  context: DashboardContext,
  action: string,
  set: (name: string, db: object) => Promise<boolean>,
): (body: unknown, who: Identity) => Promise<{ changed: boolean }> {
  return async (body, who) => {
    const name = readName(action, body);
    const details = { name };
    return { changed: await audited(context, { action, who, details }, (db) => set(name, db)) };
  };
}

function retryJobs(
  context: DashboardContext,
  action: string,
  { body, who }: { readonly body: unknown; readonly who: Identity },
): Promise<Outcomes> {
  const jobs = readJobs(fieldsOf(action, body, ["jobs"]).jobs);
  return onJobs(context, { action, who, jobs, details: {} }, (db) =>
    context.pawl.jobs.retry(jobs, { db }),
  );
}

function cancelJobs(context: DashboardContext, body: unknown, who: Identity): Promise<Outcomes> {
  const action = "cancel-jobs";
  const fields = fieldsOf(action, body, ["jobs", "reason"]);
  const jobs = readJobs(fields.jobs);
  const reason = readReason(fields.reason, who.name);
  return onJobs(context, { action, who, jobs, details: { reason } }, (db) =>
    context.pawl.jobs.cancel(jobs, reason, { db }),
  );
}

function rescheduleJobs(context: DashboardContext, body: unknown, who: Identity): Promise<Outcomes> {
  const action = "reschedule-jobs";
  const { jobs: named, ...given } = fieldsOf(action, body, ["jobs", "runAt", "delay", "priority"]);
  const jobs = readJobs(named);
  const details = readRescheduling(given);
  return onJobs(context, { action, who, jobs, details }, (db) =>
    context.pawl.jobs.reschedule(jobs, { ...details, db }),
  );
}

async function onJobs(
  context: DashboardContext,
  change: {
    readonly action: string;
    readonly who: Identity;
    readonly jobs: readonly JobReference[];
    readonly details: object;
  },
  work: (db: object) => Promise<readonly CommandResult<string>[]>,
): Promise<Outcomes> {
  const { action, who, jobs, details } = change;
  const jobIds = jobs.map(({ id }) => id);
  const named = { ...details, jobs };
  const results = await audited(context, { action, who, details: named, jobIds }, work);
  return { outcomes: results.map(({ queue, id, outcome }) => ({ queue, id, outcome })) };
}

async function unlockKey(
  context: DashboardContext,
  body: unknown,
  who: Identity,
): Promise<{ unlocked: number }> {
  const action = "unlock-key";
  const fields = fieldsOf(action, body, ["queue", "key"]);
  const named = { queue: queueName("queue", fields.queue), key: shortText("key", fields.key) };
  const unlocked = await audited(context, { action, who, details: named }, (db) =>
    context.pawl.concurrencyKeys.forceUnlock(named, { db }),
  );
  return { unlocked };
}

async function stopOperation(
  context: DashboardContext,
  body: unknown,
  who: Identity,
): Promise<{ changed: boolean }> {
  const action = "stop-operation";
  const id = uuid("id", fieldsOf(action, body, ["id"]).id);
  const changed = await audited(context, { action, who, details: { id } }, (_, store) =>
    endOperation(store, id, { state: "stopped", error: null }),
  );
  return { changed };
}
