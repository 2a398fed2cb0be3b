import type { Changes } from "./api.ts";
import { perform, type Planned } from "./audit.ts";
import { planEnqueue } from "./changes/enqueue.ts";
import { planCancel, planReplay, planReschedule, planRetry } from "./changes/jobs.ts";
import { countMatching, planStart, planStop } from "./changes/operations.ts";
import { planQueuePause, planTaskPause, planUnlock } from "./changes/queues-and-tasks.ts";
import type { Identity, ReadContext } from "./context.ts";
import type { Operations } from "./operations.ts";

type Change<Name extends keyof Changes> = (
  body: unknown,
  who: Identity,
) => Promise<Changes[Name]["answer"]>;

/** Everything that can be changed, by name: each checks its body, and notes in the audit what it did or why it did not. */
export function makeChanges(
  context: ReadContext,
  operations: Operations,
): { readonly [Name in keyof Changes]: Change<Name> } {
  const audited =
    <Name extends keyof Changes>(
      action: Name,
      plan: (body: unknown, who: Identity) => Planned<Changes[Name]["answer"]>,
    ): Change<Name> =>
    (body, who) =>
      perform(context, { who, action }, () => plan(body, who));
  const start = audited("start-operation", (body, who) => planStart(context, body, who));
  return {
    "pause-queue": audited("pause-queue", (body) => planQueuePause(context, "pause", body)),
    "resume-queue": audited("resume-queue", (body) => planQueuePause(context, "resume", body)),
    "pause-task": audited("pause-task", (body) => planTaskPause(context, "pause", body)),
    "resume-task": audited("resume-task", (body) => planTaskPause(context, "resume", body)),
    "retry-jobs": audited("retry-jobs", (body) => planRetry(context, body)),
    "cancel-jobs": audited("cancel-jobs", (body) => planCancel(context, body)),
    "reschedule-jobs": audited("reschedule-jobs", (body) => planReschedule(context, body)),
    "replay-jobs": audited("replay-jobs", (body) => planReplay(context, body)),
    enqueue: audited("enqueue", (body) => planEnqueue(context, body)),
    "unlock-key": audited("unlock-key", (body) => planUnlock(context, body)),
    // It changes nothing, so there is nothing to note.
    "count-matching": (body) => countMatching(context, body),
    "start-operation": async (body, who) => {
      const started = await start(body, who);
      operations.wake();
      return started;
    },
    "stop-operation": audited("stop-operation", planStop),
  };
}
