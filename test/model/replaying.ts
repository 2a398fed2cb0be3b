import fc from "fast-check";
import type { ReplayableOutcome } from "pawl";
import { expect } from "vitest";
import { calling, command, within, type Command, type Within } from "./command.ts";
import type { EndedJob, Model } from "./model.ts";
import { queues, type QueueName, type TaskName } from "./rules.ts";
import { replayIdOf, type Real } from "./stage.ts";

interface Replaying {
  readonly queue: QueueName | undefined;
  readonly task: TaskName | undefined;
  readonly outcome: readonly ReplayableOutcome[];
  readonly dryRun: boolean;
  readonly how: Within;
}

/** Replays of what the history has. */
export const replaying: fc.Arbitrary<Command> = fc
  .record<Replaying>({
    queue: fc.constantFrom(undefined, ...queues),
    task: fc.constantFrom(undefined, undefined, "plain" as const, "serial" as const),
    outcome: fc.constantFrom<readonly ReplayableOutcome[]>(
      ...[["failed", "partial"] as const, ["failed", "crashed"] as const, ["cancelled"] as const],
    ),
    dryRun: fc.boolean(),
    how: within,
  })
  .map((given) =>
    command(`replay(${JSON.stringify(given)})`, (model, real) => replay(given, model, real)),
  );

async function replay(given: Replaying, model: Model, real: Real): Promise<void> {
  const { queue, task, outcome, dryRun, how } = given;
  const matching = [...model.ended.values()].filter(
    (job) =>
      (outcome as readonly string[]).includes(job.outcome) &&
      // A replay is of what ended before it.
      job.endedAt < model.now &&
      (queue === undefined || job.queue === queue) &&
      (task === undefined || job.task === task),
  );
  const fresh = matching.filter((job) => !model.knows(replayIdOf(model, job)));
  const { result, counts } = await calling(real, how, (db) =>
    real.pawl.history.replay({
      ...{ outcome, dryRun, from: real.startedAt, ...db },
      ...(queue !== undefined && { queue }),
      ...(task !== undefined && { task }),
    }),
  );
  expect(result).toMatchObject({
    matched: matching.length,
    created: fresh.length,
    skipped: matching.length - fresh.length,
  });
  if (!counts || dryRun) return;
  for (const job of fresh) replayEnded(job, model);
}

/** The model of a replay: a new job with what the old one's task says, unless it is there or has been. */
export function replayEnded(ended: EndedJob, model: Model): void {
  const id = replayIdOf(model, ended);
  if (model.knows(id)) return;
  const { queue, task, n, correlationId } = ended;
  const said = { queue, task, n, correlationId, delayMs: 0, priority: 0 };
  model.create(id, { ...said, maxAttempts: undefined, unique: undefined, flags: [] }, ended.id);
  const created = model.live.get(id);
  // Its id is made of the old one's, so that it does not stand by the time of its enqueue.
  if (created !== undefined) created.order = undefined;
}
