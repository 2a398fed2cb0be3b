import fc from "fast-check";
import { claiming } from "./claiming.ts";
import { byHand } from "./by-hand.ts";
import { enqueueing } from "./enqueueing.ts";
import type { Model } from "./model.ts";
import { queues, tasks } from "./rules.ts";
import { settling } from "./settling.ts";
import { compare, type Real } from "./stage.ts";
import { command, type Command } from "./command.ts";

const advance = fc
  .constantFrom(1, 1_000, 2_000, 5_000, 10_000, 60_000)
  .map((ms) => command(`advance(${ms})`, (model, real) => advanceBy(ms, model, real)));

const pausing = fc
  .record({
    kind: fc.constantFrom("queues" as const, "tasks" as const),
    place: fc.nat(3),
    isPaused: fc.boolean(),
  })
  .map(({ kind, place, isPaused }) => {
    const names = kind === "queues" ? queues : Object.keys(tasks);
    const name = names[place % names.length] ?? "a";
    return command(`${isPaused ? "pause" : "resume"}(${kind}, ${name})`, async (model, real) => {
      await setPaused({ kind, name, isPaused }, model, real);
    });
  });

const look = fc.constant(command("look", compare));

/** Sequences of calls of Pawl's API. */
export const commands: fc.Arbitrary<Iterable<Command>> = fc.commands(
  [
    ...[enqueueing, enqueueing, enqueueing],
    ...[claiming, claiming, claiming],
    ...[settling, settling],
    ...[byHand, byHand],
    ...[advance, pausing, look],
  ],
  { maxCommands: 24, size: "max" },
);

/** Both clocks go on. */
export async function advanceBy(ms: number, model: Model, { clock }: Real): Promise<void> {
  clock.now += ms;
  model.now += ms;
  return Promise.resolve();
}

/** Pauses or resumes a queue or a task, which tells whether that was a change. */
export async function setPaused(
  given: { kind: "queues" | "tasks"; name: string; isPaused: boolean },
  model: Model,
  { pawl }: Real,
): Promise<void> {
  const { kind, name, isPaused } = given;
  const paused = kind === "queues" ? model.pausedQueues : model.pausedTasks;
  const isChange = paused.has(name) !== isPaused;
  if (isPaused) paused.add(name);
  else paused.delete(name);
  const call = isPaused ? pawl[kind].pause(name) : pawl[kind].resume(name);
  const changed = await call;
  if (changed !== isChange) throw new Error(`expected ${isChange} from a pause, got ${changed}`);
}
