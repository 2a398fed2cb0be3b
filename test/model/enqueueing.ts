import { randomUUID } from "node:crypto";
import fc from "fast-check";
import type { EnqueueOptions } from "pawl";
import { expect } from "vitest";
import { calling, command, within, type Command, type Within } from "./command.ts";
import type { Given, Model } from "./model.ts";
import { queues, tasks } from "./rules.ts";
import { pickJob, type Real } from "./stage.ts";

const priority = fc.constantFrom(0, 0, 0, -1, 1);
const delayMs = fc.constantFrom(0, 0, 0, 1_000, 5_000, 60_000);
const queue = fc.constantFrom(...queues);
const correlationId = fc.constantFrom(null, "chain");
const n = fc.nat(1_000);

const plain: fc.Arbitrary<Given> = fc.record({
  task: fc.constant("plain" as const),
  ...{ queue, n, delayMs, priority, correlationId },
  maxAttempts: fc.constantFrom(undefined, undefined, 1, 2),
  flags: fc.constantFrom([], [], ["gpu"], ["gpu", "eu"]),
  unique: fc.constant(undefined),
});
const unique: fc.Arbitrary<Given> = fc
  .record({
    given: plain,
    key: fc.constantFrom("one", "two"),
    mode: fc.constantFrom("keep" as const, "replace" as const),
  })
  .map(({ given, key, mode }) => ({ ...given, unique: { key, mode } }));
const keyed: fc.Arbitrary<Given> = fc.record({
  task: fc.constantFrom("serial" as const, "pair" as const, "limited" as const),
  ...{ queue, n, delayMs, priority, correlationId },
  maxAttempts: fc.constant(undefined),
  flags: fc.constant([]),
  unique: fc.constant(undefined),
});

const one = fc
  .record({ given: fc.oneof(plain, unique, keyed), how: within })
  .map(({ given, how }) =>
    command(`enqueue(${JSON.stringify(given)}) ${how}`, (model, real) =>
      enqueueOne({ given, how }, model, real),
    ),
  );

const many = fc
  .record({ given: fc.array(fc.oneof(plain, keyed), { minLength: 1, maxLength: 6 }), how: within })
  .map(({ given, how }) =>
    command(`enqueueMany(${JSON.stringify(given)}) ${how}`, (model, real) =>
      enqueueMany(given, how, model, real),
    ),
  );

const again = fc.nat(50).map((place) =>
  command(
    `enqueue the id of job ${place} again`,
    (model, real) => enqueueAgain(place, model, real),
    ({ live, ended }) => live.size + ended.size > 0,
  ),
);

const chosen = fc
  .record({ given: plain, how: within })
  .map(({ given, how }) =>
    command(`enqueue(${JSON.stringify(given)}) with an id ${how}`, (model, real) =>
      enqueueOne({ given, how, id: randomUUID() }, model, real),
    ),
  );

/** Calls that enqueue. */
export const enqueueing: fc.Arbitrary<Command> = fc.oneof(one, one, one, many, again, chosen);

async function enqueueOne(
  { given, how, id }: { readonly given: Given; readonly how: Within; readonly id?: string },
  model: Model,
  real: Real,
): Promise<void> {
  const more = id === undefined ? {} : { id };
  const { result, counts } = await calling(real, how, (db) =>
    real.pawl.enqueue(tasks[given.task], given.n, { ...optionsOf(given), ...more, ...db }),
  );
  const { job, outcome } = result;
  const there = given.unique && model.occupantOf(given.queue, given.unique.key);
  if (there === undefined) {
    expect([outcome, model.knows(job.id)]).toEqual(["created", false]);
    if (counts) model.create(job.id, given);
    // The order of ids that the caller makes is not the order of enqueueing.
    const created = model.live.get(job.id);
    if (created !== undefined && id !== undefined) created.order = undefined;
    return;
  }
  const isReplaced = given.unique?.mode === "replace" && !there.isRunning;
  expect({ outcome, id: job.id }).toEqual({
    outcome: isReplaced ? "replaced" : "kept",
    id: there.id,
  });
  if (isReplaced && counts) model.replace(there, given);
}

async function enqueueMany(
  given: readonly Given[],
  how: Within,
  model: Model,
  real: Real,
): Promise<void> {
  const { result, counts } = await calling(real, how, (db) =>
    real.pawl.enqueueMany(
      given.map((one) => tasks[one.task].job(one.n, optionsOf(one))),
      db,
    ),
  );
  expect(result.map(({ outcome }) => outcome)).toEqual(given.map(() => "created"));
  for (const [place, one] of given.entries()) {
    const id = result[place]?.job.id ?? "";
    expect(model.knows(id)).toBe(false);
    if (counts) model.create(id, one);
  }
}

async function enqueueAgain(place: number, model: Model, { pawl }: Real): Promise<void> {
  const known = pickJob(model, place);
  if (known === undefined) return;
  const { queue, id } = known;
  const { job, outcome } = await pawl.enqueue(tasks.plain, -1, { queue, id });
  expect({ outcome, id: job.id, queue: job.queue }).toEqual({ outcome: "kept", queue, id });
}

function optionsOf(given: Given): EnqueueOptions {
  const { queue, delayMs, priority, maxAttempts, unique, flags, correlationId } = given;
  return {
    ...{ queue, priority, flags },
    ...(delayMs > 0 && { delay: delayMs }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(unique !== undefined && { unique }),
    ...(correlationId !== null && { correlationId }),
  };
}
