import fc from "fast-check";
import type { HeldJob } from "pawl";
import { expect } from "vitest";
import { command, type Command } from "./command.ts";
import type { Model, ModelJob } from "./model.ts";
import { rules, workers, type WorkerName } from "./rules.ts";
import { claimKey, type Real } from "./stage.ts";

interface Claim {
  readonly worker: WorkerName;
  readonly batchSize: number;
  readonly forbiddenFlags: readonly string[];
}

/** Claims by hand. */
export const claiming: fc.Arbitrary<Command> = fc
  .record({
    worker: fc.constantFrom("ada" as const, "ada" as const, "bob" as const, "eve" as const),
    batchSize: fc.constantFrom(1, 2, 5, 50),
    forbiddenFlags: fc.constantFrom([], [], ["gpu"], ["eu"]),
  })
  .map((given) =>
    command(`claim(${JSON.stringify(given)})`, (model, real) => claim(given, model, real)),
  );

const looks = 200;
const betweenLooksMs = 10;

/** Claims, and checks that what was handed out is what should have been. */
export async function claim(given: Claim, model: Model, real: Real): Promise<void> {
  for (let look = 1; look <= looks; look += 1) {
    const claimed = await claimOnce(given, model, real);
    const left = leftFor(given, model);
    if (claimed.length === given.batchSize || left.length === 0) return;
    // What has a key or a limit may be on its way to where it can be claimed; nothing else may.
    expect(left.filter(({ task }) => task === "plain")).toEqual([]);
    if (claimed.length === 0) await new Promise((resolve) => setTimeout(resolve, betweenLooksMs));
  }
  expect(leftFor(given, model)).toEqual([]);
}

async function claimOnce(given: Claim, model: Model, real: Real): Promise<HeldJob[]> {
  const { worker, batchSize, forbiddenFlags } = given;
  const options = { batchSize, forbiddenFlags, ...workers[worker] };
  const claimed = await real.pawl.jobs.claim(worker, options);
  expect(claimed.length).toBeLessThanOrEqual(batchSize);
  const taken: ModelJob[] = [];
  for (const job of claimed) {
    taken.push(take(job, given, model));
    real.claims.set(claimKey(job), job);
  }
  expectInOrder(taken, claimableFor(given, model));
  return claimed;
}

function claimableFor({ worker, forbiddenFlags }: Claim, model: Model): ModelJob[] {
  return [...model.live.values()].filter((job) => model.isClaimable(job, worker, forbiddenFlags));
}

/** What could start now, and was not handed out: neither is its key full nor its rate limit used up. */
function leftFor(given: Claim, model: Model): ModelJob[] {
  return claimableFor(given, model).filter(
    (job) =>
      model.hasFreeLane(job) && (!rules[job.task].isRateLimited || model.hasBudget("counts")),
  );
}

function take(job: HeldJob, { worker, forbiddenFlags }: Claim, model: Model): ModelJob {
  const own = model.live.get(job.id);
  if (own === undefined) throw new Error(`expected a live job, got ${job.id}`);
  expect([own, model.isClaimable(own, worker, forbiddenFlags)]).toEqual([own, true]);
  expect([own, model.hasFreeLane(own)]).toEqual([own, true]);
  if (rules[own.task].isRateLimited) expect(model.hasBudget("is free")).toBe(true);
  model.claim(own, worker);
  const { id, queue, task, priority, failures, maxAttempts, correlationId, flags } = own;
  expect(job).toMatchObject({
    ...{ id, queue, task, priority, failures, maxAttempts, correlationId, flags },
    ...{ payload: own.n, attempt: own.claims, partialResults: own.partialResults },
  });
  return own;
}

// Of the jobs without keys that were ready before.
function expectInOrder(taken: readonly ModelJob[], left: readonly ModelJob[]): void {
  for (const waiting of left.filter(isPlainlyReady)) {
    const wrong = taken.filter(
      (started) =>
        isPlainlyReady(started) && started.queue === waiting.queue && isBefore(waiting, started),
    );
    expect(wrong.map((started) => ({ started, waiting }))).toEqual([]);
  }
}

function isPlainlyReady({ task, mayBeScheduled }: ModelJob): boolean {
  return task === "plain" && !mayBeScheduled;
}

function isBefore(a: ModelJob, b: ModelJob): boolean {
  if (a.priority !== b.priority) return a.priority < b.priority;
  return a.order !== undefined && b.order !== undefined && a.order < b.order;
}
