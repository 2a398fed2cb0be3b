import type { HeldJob, ListedJob, Pawl } from "pawl";
import type pg from "pg";
import { expect } from "vitest";
import { replayId } from "../../src/core/uuid.ts";
import type { Hands } from "../fixtures/clocked-pawl.ts";
import { Model, type EndedJob, type Held, type ModelAttempt, type ModelJob } from "./model.ts";
import type { QueueName } from "./rules.ts";

/** Pawl, and what it needs to be driven beside the model. */
export interface Real {
  readonly pawl: Pawl;
  readonly clock: Hands;
  /** A client of the application's. */
  readonly client: pg.Client;
  /** The claims that were handed out, as Pawl gave them. */
  readonly claims: Map<string, HeldJob>;
  readonly startedAt: Date;
}

const betweenMs = 1_000;

/** Begins a sequence on an empty schema, at a later time than all before. */
export async function begin(
  given: Pick<Real, "pawl" | "clock" | "client">,
): Promise<{ model: Model; real: Real }> {
  const { pawl, clock, client } = given;
  clock.now += betweenMs;
  await client.query(
    `delete from ${pawl.schema}.jobs; delete from ${pawl.schema}.arrivals;
     delete from ${pawl.schema}.rate_limits; delete from ${pawl.schema}.throttles;
     update ${pawl.schema}.queues set paused = false where paused;
     update ${pawl.schema}.tasks set paused = false where paused`,
  );
  const startedAt = new Date(clock.now);
  return { model: new Model(clock.now), real: { ...given, claims: new Map(), startedAt } };
}

/** Ends a sequence with nothing held, whatever happened. */
export async function letGoOfAll({ pawl, claims }: Real, model: Model): Promise<void> {
  for (const held of model.held) {
    const claim = claims.get(claimKey(held));
    if (claim === undefined) continue;
    // Some were taken away.
    await pawl.jobs.release(held.worker, [claim]).catch(() => undefined);
  }
}

export function claimKey({ id, attempt }: Pick<Held, "id" | "attempt">): string {
  return `${id} ${attempt}`;
}

/** The id of the job that replays an ended one. */
export function replayIdOf(model: Model, { id, queue }: EndedJob): string {
  const attempt = model.attempts.get(id)?.at(-1)?.attempt ?? 0;
  return replayId({ queue, id, attempt });
}

/** One of all jobs there are or have been, by a number. */
export function pickJob(model: Model, place: number): { id: string; queue: QueueName } | undefined {
  const all = [...model.live.values(), ...model.ended.values()];
  return all[place % Math.max(1, all.length)];
}

/** Everything that can be read is as the model has it; of the jobs, one of each kind is looked up by itself. */
export async function compare(model: Model, real: Real): Promise<void> {
  const { jobs } = await real.pawl.jobs.list({ limit: 1_000 });
  expect(jobs.map(({ id }) => id).sort()).toEqual([...model.live.keys()].sort());
  for (const found of jobs) compareLive(found, model);
  const [live] = model.live.values();
  const [ended] = model.ended.values();
  if (live !== undefined) {
    const found = await real.pawl.jobs.get(live.id);
    expect(found).toMatchObject({ id: live.id, queue: live.queue, payload: live.n });
    expect(statesOf(live, model)).toContain(found?.state);
    await compareAttempts(live, model, real.pawl);
  }
  if (ended !== undefined) {
    const { id, queue, task, outcome, correlationId, replayOf, n } = ended;
    expect(await real.pawl.jobs.get({ queue, id })).toMatchObject({
      ...{ id, queue, task, outcome, correlationId, replayOf, state: "finished", payload: n },
    });
    await compareAttempts(ended, model, real.pawl);
  }
  await compareCounts(model, real);
  await compareHistory(model, real);
}

function compareLive(found: ListedJob, model: Model): void {
  const job = model.live.get(found.id);
  if (job === undefined) throw new Error(`expected a job of the model, got ${found.id}`);
  const { id, queue, task, priority, failures, maxAttempts, correlationId, replayOf } = job;
  expect(found).toMatchObject({
    ...{ id, queue, task, priority, failures, maxAttempts, correlationId, replayOf },
    ...{ attempt: job.claims, flags: job.flags, cancelReason: job.cancelReason },
    ...{ partialResults: job.partialResults, crashes: 0 },
    ...(isRunAtKnown(job, model) && { runAt: new Date(job.runAt) }),
  });
  expect(statesOf(job, model)).toContain(found.state);
}

// What was made ready by somebody, be it due or admitted to a lane, stands by the time when that was.
function isRunAtKnown(job: ModelJob, model: Model): job is ModelJob & { runAt: number } {
  if (job.runAt === undefined) return false;
  return job.runAt > model.now || !(job.mayBeScheduled || model.hasLine(job));
}

async function compareAttempts(
  { queue, id }: Pick<ModelJob, "queue" | "id">,
  model: Model,
  pawl: Pawl,
): Promise<void> {
  const attempts = await pawl.history.attempts({ queue, id });
  expect(attempts.map(({ attempt, outcome, final }) => ({ attempt, outcome, final }))).toEqual(
    model.attempts.get(id) ?? [],
  );
}

async function compareCounts(model: Model, { pawl }: Real): Promise<void> {
  const live = [...model.live.values()];
  for (const { name, paused, counts } of await pawl.queues.list()) {
    const own = live.filter(({ queue }) => queue === name);
    expect([name, paused, sum(counts)]).toEqual([name, model.pausedQueues.has(name), own.length]);
    expect(counts.running).toBe(own.filter(({ isRunning }) => isRunning).length);
  }
  for (const { name, paused, counts } of await pawl.tasks.list()) {
    const own = live.filter(({ task }) => task === name);
    expect([name, paused, sum(counts)]).toEqual([name, model.pausedTasks.has(name), own.length]);
  }
}

async function compareHistory(model: Model, { pawl, startedAt }: Real): Promise<void> {
  const listed: string[] = [];
  let after: string | undefined;
  do {
    const page = await pawl.history.list({
      ...{ from: startedAt, limit: 20 },
      ...(after !== undefined && { after }),
    });
    listed.push(
      ...page.attempts.map(({ id, attempt, outcome, final }) =>
        textOf(id, { attempt, outcome, final }),
      ),
    );
    after = page.next ?? undefined;
  } while (after !== undefined);
  const expected = [...model.attempts].flatMap(([id, attempts]) =>
    attempts.map((attempt) => textOf(id, attempt)),
  );
  expect(listed.sort()).toEqual(expected.sort());
}

function textOf(id: string, { attempt, outcome, final }: ModelAttempt): string {
  return `${claimKey({ id, attempt })} ${outcome}${final ? " for good" : ""}`;
}

/** In which states the job may be: whether a due one has been made ready depends on who looked when. */
function statesOf(job: ModelJob, model: Model): string[] {
  if (job.isRunning) return ["running"];
  const due = model.hasLine(job) ? ["ready", "blocked"] : ["ready"];
  if (job.runAt !== undefined && job.runAt > model.now) return ["scheduled"];
  return job.mayBeScheduled ? ["scheduled", ...due] : due;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
