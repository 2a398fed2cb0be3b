import { randomUUID } from "node:crypto";
import fc from "fast-check";
import type { CommandResult, JobReference, RescheduleOptions } from "pawl";
import { expect } from "vitest";
import { calling, command, within, type Command, type Within } from "./command.ts";
import type { Held, Model, ModelJob } from "./model.ts";
import { replayEnded, replaying } from "./replaying.ts";
import type { QueueName, WorkerName } from "./rules.ts";
import { pickJob, replayIdOf, type Real } from "./stage.ts";

type Kind = "cancel" | "fail" | "retry";

const places = fc.uniqueArray(fc.nat(50), { minLength: 1, maxLength: 3 });
const reasons = ["not wanted", "too late"] as const;

const naming = fc
  .record({ kind: fc.constantFrom<Kind>("cancel", "fail", "retry"), places, how: within })
  .map((given) =>
    command(JSON.stringify(given), async (model, real) => {
      await commandJobs(given, model, real);
    }),
  );

const rescheduling = fc
  .record({
    places,
    change: fc.constantFrom<RescheduleOptions>(
      ...[{ delay: 0 }, { delay: 5_000 }, { priority: -1 }, { maxAttempts: 1 }],
      { delay: "1m", priority: 1 },
    ),
    how: within,
  })
  .map((given) =>
    command(`reschedule ${JSON.stringify(given)}`, (model, real) => reschedule(given, model, real)),
  );

const unlocking = fc.constantFrom<WorkerName>("ada", "bob", "eve").map((worker) =>
  command(`forceUnlock(${worker})`, async (model, { pawl }) => {
    const own = runningOf(model, (held) => held.worker === worker);
    expect(await pawl.jobs.forceUnlock(worker)).toBe(own.length);
    for (const job of own) model.release(job);
  }),
);

const unlockingKeys = fc.constantFrom("serial", "pair").map((key) =>
  command(`forceUnlock(${key})`, async (model, { pawl }) => {
    const own = runningOf(model, (held) => held.task === key);
    expect(await pawl.concurrencyKeys.forceUnlock(key)).toBe(own.length);
    for (const job of own) model.release(job);
  }),
);

/** What people do to jobs by hand. */
export const byHand: fc.Arbitrary<Command> = fc.oneof(
  ...[naming, naming, rescheduling, unlocking, unlockingKeys, replaying],
);

async function commandJobs(
  { kind, places, how }: { kind: Kind; places: readonly number[]; how: Within },
  model: Model,
  real: Real,
): Promise<void> {
  const named = namedBy(places, model);
  const reason = reasons[named.length % reasons.length] ?? reasons[0];
  const { result, counts } = await calling(
    real,
    how,
    (db): Promise<(CommandResult<string> & { job?: JobReference })[]> => {
      const { jobs } = real.pawl;
      if (kind === "cancel") return jobs.cancel(named, reason, db);
      return kind === "fail" ? jobs.failPermanently(named, reason, db) : jobs.retry(named, db);
    },
  );
  const expected = named.map(({ queue, id }) => ({ queue, id, ...expectedOf(kind, id, model) }));
  expect(result).toEqual(
    expected.map(({ outcomes, ...rest }, place) => {
      const { outcome } = result[place] ?? {};
      return { ...rest, outcome: outcomes.find((each) => each === outcome) ?? outcomes[0] };
    }),
  );
  if (!counts) return;
  for (const { id } of named) carryOut(kind, id, { model, reason });
}

/** What the call may answer of the job; several where it depends on whether somebody had looked before. */
function expectedOf(
  kind: Kind,
  id: string,
  model: Model,
): { outcomes: readonly string[]; job?: JobReference } {
  const job = model.live.get(id);
  if (job !== undefined) return { outcomes: liveOutcomes(kind, job, model) };
  const ended = model.ended.get(id);
  if (kind !== "retry" || ended === undefined) return { outcomes: ["notFound"] };
  if (ended.outcome === "succeeded") return { outcomes: ["succeeded"] };
  return { outcomes: ["replayed"], job: { queue: ended.queue, id: replayIdOf(model, ended) } };
}

function liveOutcomes(kind: Kind, job: ModelJob, model: Model): readonly string[] {
  if (kind === "cancel") return [job.isRunning ? "cancelling" : "cancelled"];
  if (kind === "fail") return ["failed"];
  if (job.isRunning) return ["running"];
  if (job.runAt !== undefined && job.runAt > model.now) return ["retried"];
  return job.mayBeScheduled ? ["retried", "waiting"] : ["waiting"];
}

function carryOut(kind: Kind, id: string, given: { model: Model; reason: string }): void {
  const { model, reason } = given;
  const job = model.live.get(id);
  const ended = model.ended.get(id);
  if (kind === "retry") {
    if (job !== undefined && !job.isRunning && job.mayBeScheduled) makeDue(job, model);
    if (ended !== undefined && ended.outcome !== "succeeded") replayEnded(ended, model);
  } else if (kind === "cancel" && job?.isRunning === true) {
    job.cancelReason ??= reason;
  } else if (job !== undefined) {
    model.end(job, kind === "cancel" ? "cancelled" : "failed");
  }
}

function makeDue(job: ModelJob, { now }: Model): void {
  const wasLater = job.runAt !== undefined && job.runAt > now;
  job.runAt = wasLater ? now : undefined;
  job.mayBeScheduled = false;
  job.order = undefined;
}

async function reschedule(
  given: { places: readonly number[]; change: RescheduleOptions; how: Within },
  model: Model,
  real: Real,
): Promise<void> {
  const { places, change, how } = given;
  const named = namedBy(places, model);
  const { result, counts } = await calling(real, how, (db) =>
    real.pawl.jobs.reschedule(named, { ...change, ...db }),
  );
  expect(result).toEqual(
    named.map(({ queue, id }) => {
      const job = model.live.get(id);
      if (job === undefined) return { queue, id, outcome: "notFound" };
      return { queue, id, outcome: job.isRunning ? "running" : "rescheduled" };
    }),
  );
  if (!counts) return;
  for (const { id } of named) {
    const job = model.live.get(id);
    if (job !== undefined && !job.isRunning) changeJob(job, change, model);
  }
}

function changeJob(job: ModelJob, change: RescheduleOptions, model: Model): void {
  const { delay, priority, maxAttempts } = change;
  if (maxAttempts !== undefined) job.maxAttempts = maxAttempts;
  if (delay !== undefined) {
    const delayMs = delay === "1m" ? 60_000 : Number(delay);
    job.runAt = model.now + delayMs;
    job.mayBeScheduled = delayMs > 0;
  } else if (priority !== undefined && (job.runAt ?? 0) <= model.now) {
    // A ready job is as new as the change; one that waits in a line, or was not made ready yet, is not.
    job.runAt = job.mayBeScheduled || model.hasLine(job) ? undefined : model.now;
  }
  if (priority !== undefined) job.priority = priority;
  if (delay !== undefined || priority !== undefined) job.order = undefined;
}

/** Different jobs, and sometimes one that nobody knows. */
function namedBy(places: readonly number[], model: Model): JobReference[] {
  const unknown = { queue: "a" as QueueName, id: randomUUID() };
  const named = places.map((place) =>
    place % 10 === 9 ? unknown : (pickJob(model, place) ?? unknown),
  );
  const byId = new Map(named.map(({ queue, id }) => [id, { queue, id }]));
  return [...byId.values()];
}

function runningOf(model: Model, isMeant: (held: Held) => boolean): ModelJob[] {
  return model.held.filter(isMeant).flatMap((held) => model.runningOf(held) ?? []);
}
