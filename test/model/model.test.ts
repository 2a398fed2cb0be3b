import fc from "fast-check";
import { expect, it } from "vitest";
import { clockedPawl } from "../fixtures/clocked-pawl.ts";
import { connectClient } from "../support/producer.ts";
import { claim } from "./claiming.ts";
import { advanceBy, commands, setPaused } from "./commands.ts";
import type { Model } from "./model.ts";
import { queues, tasks } from "./rules.ts";
import { settle } from "./settling.ts";
import { begin, compare, letGoOfAll, type Real } from "./stage.ts";

// How many sequences, and from which seed: PAWL_RUNS=10000 PAWL_SEED=7 npm test -- test/model
const runs = Number(process.env.PAWL_RUNS ?? 2_000);
const seed = Number(process.env.PAWL_SEED ?? 1);
// Sequences wait for the server most of the time; each of these has a schema of its own.
const atOnce = 4;
// Longer than any delay, and than the interval of the rate limit.
const longMs = 61_000;

it(
  `does what its model does, in ${runs} sequences of calls (seed ${seed})`,
  { timeout: 1_800_000 },
  async () => {
    const each = Math.ceil(runs / atOnce);
    let sequences = 0;
    await Promise.all(
      Array.from({ length: atOnce }, async (_, place) => {
        const { pawl, clock } = await clockedPawl({ tasks: Object.values(tasks) });
        const given = { pawl, clock, client: await connectClient() };
        const property = fc.asyncProperty(commands, async (sequence) => {
          sequences += 1;
          const { model, real } = await begin(given);
          try {
            await fc.asyncModelRun(() => ({ model, real }), sequence);
            await drain(model, real);
          } finally {
            await letGoOfAll(real, model);
          }
        });
        await fc.assert(property, { numRuns: each, seed: seed * 1_000 + place });
      }),
    );
    expect(sequences).toBeGreaterThanOrEqual(runs);
  },
);

/** Whatever happened, everything that is left can be run, and then nothing is left. */
async function drain(model: Model, real: Real): Promise<void> {
  for (const name of queues)
    await setPaused({ kind: "queues", name, isPaused: false }, model, real);
  for (const name of Object.keys(tasks)) {
    await setPaused({ kind: "tasks", name, isPaused: false }, model, real);
  }
  const complete = { kind: "complete", place: 0, count: 1_000, how: "alone" } as const;
  while (model.held.length > 0) await settle(complete, model, real);
  while (model.live.size > 0) {
    await advanceBy(longMs, model, real);
    await claim({ worker: "ada", batchSize: 1_000, forbiddenFlags: [] }, model, real);
    // Each time at least the first of a line, and some of what has a rate limit, can start.
    expect(model.held.length).toBeGreaterThan(0);
    await settle(complete, model, real);
  }
  await compare(model, real);
}
