import type { JobReference } from "../core/job.ts";
import { queueName, shortText, taskName, uuid } from "../core/options.ts";
import type { CommandResult } from "../store/commands.ts";
import { endOperation } from "../store/operations.ts";
import type { Changes, Done, Outcomes } from "./api.ts";
import type { Changer } from "./answer-api.ts";
import { audited, noteFailure, type ChangeTransaction } from "./audit.ts";
import { membersOf, readJobs, readPlan, readReason, readRescheduling } from "./bodies.ts";
import type { ChangeContext, Identity } from "./context.ts";
import { prepareEnqueue } from "./enqueue.ts";
import { shownPlan, type Operations } from "./operations.ts";
import { replayJobs } from "./replay-jobs.ts";
import { assertSearchable } from "./secret-search.ts";

/** A change whose body was read: what the audit says of it, and what does it. */
export interface PreparedChange<Answer> {
  /** What it names: never a payload. */
  readonly details: object;
  readonly jobs?: readonly JobReference[] | undefined;
  /** `details` are those that only the change itself knows. */
  readonly run: (tx: ChangeTransaction) => Promise<{ answer: Answer; details?: object }>;
  /** Called when it is committed. */
  readonly committed?: () => void;
}

type Preparations = {
  // To count changes nothing.
  readonly [Name in Exclude<keyof Changes, "count-matching">]: (
    body: unknown,
    who: Identity,
  ) => PreparedChange<Changes[Name]["answer"]>;
};

/** Makes every change, and notes what was done and what was refused. */
export function makeChanger(context: ChangeContext, operations: Operations): Changer {
  const preparations: Preparations = {
    ...pauses(context),
    ...commands(context),
    ...bulk(context, operations),
    enqueue: (body) => prepareEnqueue(context, body),
    "unlock-key": (body) => prepareUnlock(context, body),
  };
  return {
    names: [...(Object.keys(preparations) as (keyof Preparations)[]), "count-matching"], // its own keys
    noteRefusal: (action, who, error) => noteFailure(context, { action, who, details: {} }, error),
    async change(name, body, who) {
      if (name === "count-matching") {
        const plan = readPlan(body);
        assertSearchable(plan.filter.search, who, context.secrets);
        return operations.count(plan);
      }
      const { details, jobs, run, committed } = await prepared(context, preparations, {
        ...{ name, body, who },
      });
      const answer = await audited(context, { action: name, who, details, jobs }, run);
      committed?.();
      return answer;
    },
  };
}

async function prepared(
  context: ChangeContext,
  preparations: Preparations,
  {
    name,
    body,
    who,
  }: { readonly name: keyof Preparations; readonly body: unknown; readonly who: Identity },
): Promise<PreparedChange<unknown>> {
  try {
    return preparations[name](body, who);
  } catch (error) {
    await noteFailure(context, { action: name, who, details: {} }, error);
    throw error;
  }
}

function pauses({
  pawl,
}: ChangeContext): Pick<
  Preparations,
  "pause-queue" | "resume-queue" | "pause-task" | "resume-task"
> {
  const preparing =
    (
      where: string,
      check: (option: string, value: unknown) => string,
      set: (name: string, options: { db: object }) => Promise<boolean>,
    ) =>
    (body: unknown): PreparedChange<Done> => {
      const name = check("name", membersOf(where, body, ["name"]).name);
      const run = async ({ db }: ChangeTransaction): Promise<{ answer: Done }> => ({
        answer: { changed: await set(name, { db }) },
      });
      return { details: { name }, run };
    };
  const { queues, tasks } = pawl;
  return {
    "pause-queue": preparing("pause-queue", queueName, (name, tx) => queues.pause(name, tx)),
    "resume-queue": preparing("resume-queue", queueName, (name, tx) => queues.resume(name, tx)),
    "pause-task": preparing("pause-task", taskName, (name, tx) => tasks.pause(name, tx)),
    "resume-task": preparing("resume-task", taskName, (name, tx) => tasks.resume(name, tx)),
  };
}

function commands({
  pawl,
}: ChangeContext): Pick<
  Preparations,
  "retry-jobs" | "cancel-jobs" | "reschedule-jobs" | "replay-jobs"
> {
  return {
    "retry-jobs": (body) => {
      const jobs = readJobs(membersOf("retry-jobs", body, ["jobs"]).jobs);
      return onJobs(jobs, {}, ({ db }) => pawl.jobs.retry(jobs, { db }));
    },
    "cancel-jobs": (body, who) => {
      const given = membersOf("cancel-jobs", body, ["jobs", "reason"]);
      const jobs = readJobs(given.jobs);
      const reason = readReason(given.reason, who.name);
      return onJobs(jobs, { reason }, ({ db }) => pawl.jobs.cancel(jobs, reason, { db }));
    },
    "reschedule-jobs": (body) => {
      const names = ["jobs", "runAt", "delay", "priority"] as const;
      const { jobs: named, ...given } = membersOf("reschedule-jobs", body, names);
      const jobs = readJobs(named);
      const options = readRescheduling("reschedule-jobs", given);
      return onJobs(jobs, options, ({ db }) => pawl.jobs.reschedule(jobs, { ...options, db }));
    },
    "replay-jobs": (body) => {
      const jobs = readJobs(membersOf("replay-jobs", body, ["jobs"]).jobs);
      return onJobs(jobs, {}, (tx) => replayJobs(pawl, jobs, tx));
    },
  };
}

function onJobs(
  jobs: readonly JobReference[],
  details: object,
  work: (tx: ChangeTransaction) => Promise<readonly CommandResult<string>[]>,
): PreparedChange<Outcomes> {
  return {
    details: { ...details, jobs },
    jobs,
    run: async (tx) => {
      const results = await work(tx);
      return {
        answer: { outcomes: results.map(({ queue, id, outcome }) => ({ queue, id, outcome })) },
        details: { outcomes: countOf(results.map(({ outcome }) => outcome)) },
      };
    },
  };
}

function countOf(outcomes: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return Object.fromEntries(counts);
}

function bulk(
  context: ChangeContext,
  operations: Operations,
): Pick<Preparations, "start-operation" | "stop-operation"> {
  return {
    "start-operation": (body, who) => {
      const plan = readPlan(body);
      assertSearchable(plan.filter.search, who, context.secrets);
      const run = async ({ store }: ChangeTransaction) => {
        const answer = await operations.add(store, plan, who);
        return { answer, details: { id: answer.id } };
      };
      const details = { plan: shownPlan(plan, context.secrets) };
      return { details, run, committed: () => operations.look() };
    },
    "stop-operation": (body) => {
      const id = uuid("id", membersOf("stop-operation", body, ["id"]).id);
      const run = async ({ store }: ChangeTransaction): Promise<{ answer: Done }> => ({
        answer: { changed: await endOperation(store, id, { state: "stopped", error: null }) },
      });
      return { details: { id }, run };
    },
  };
}

function prepareUnlock(
  { pawl }: ChangeContext,
  body: unknown,
): PreparedChange<Changes["unlock-key"]["answer"]> {
  const given = membersOf("unlock-key", body, ["queue", "key"]);
  const named = { queue: queueName("queue", given.queue), key: shortText("key", given.key) };
  return {
    details: named,
    run: async ({ db }) => {
      const unlocked = await pawl.concurrencyKeys.forceUnlock(named, { db });
      return { answer: { unlocked }, details: { unlocked } };
    },
  };
}
