import fc from "fast-check";
import { LeaseLostError, UnrecoverableError, type HeldJob } from "pawl";
import { expect } from "vitest";
import { calling, command, within, type Command, type Within } from "./command.ts";
import type { Held, Model, ModelJob } from "./model.ts";
import { claimKey, type Real } from "./stage.ts";

type Kind = "complete" | "fail" | "give up" | "release" | "partial";

interface Settling {
  readonly kind: Kind;
  readonly place: number;
  readonly count: number;
  readonly how: Within;
}

/** Says of claimed jobs what became of them. */
export const settling: fc.Arbitrary<Command> = fc
  .record({
    kind: fc.constantFrom<Kind>("complete", "complete", "fail", "give up", "release", "partial"),
    place: fc.nat(50),
    count: fc.constantFrom(1, 1, 3, 50),
    how: within,
  })
  .map((given) =>
    command(
      JSON.stringify(given),
      (model, real) => settle(given, model, real),
      ({ held }) => held.length > 0,
    ),
  );

/** Says it of some of the jobs that the worker of one of them holds, and checks which of them were lost. */
export async function settle(given: Settling, model: Model, real: Real): Promise<void> {
  const { kind, place, count, how } = given;
  const worker = model.held[place % model.held.length]?.worker ?? "ada";
  const own = model.held.filter((held) => held.worker === worker);
  const chosen = own.slice(0, kind === "partial" ? 1 : count).sort(byId);
  const jobs = chosen.flatMap((held) => real.claims.get(claimKey(held)) ?? []);
  expect(jobs.length).toBe(chosen.length);
  const { result, counts } = await calling(real, how, (db) =>
    say({ kind, worker, jobs, db }, real).then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
  const lost = chosen.filter((held) => model.runningOf(held) === undefined);
  expectLost(result, lost);
  for (const held of chosen) {
    const job = model.runningOf(held);
    // What was lost is let go of at once, whatever becomes of the transaction.
    if (job !== undefined && !counts) continue;
    model.letGo(held);
    if (job !== undefined) follow(kind, job, model);
  }
}

function say(
  given: { kind: Kind; worker: string; jobs: readonly HeldJob[]; db: { readonly db?: object } },
  { pawl }: Real,
): Promise<void> {
  const { kind, worker, jobs, db } = given;
  const failedWith = (error: Error) => jobs.map((job) => ({ job, error }));
  switch (kind) {
    case "complete":
      return pawl.jobs.complete(worker, jobs, db);
    case "fail":
      return pawl.jobs.fail(worker, failedWith(new Error("boom")), db);
    case "give up":
      return pawl.jobs.fail(worker, failedWith(new UnrecoverableError("never")), db);
    case "release":
      return pawl.jobs.release(worker, jobs, db);
    case "partial": {
      const [job] = jobs;
      if (job === undefined) throw new Error("expected a job");
      return pawl.jobs.reportPartialSuccess(worker, job, { completedSteps: [kind] }, db);
    }
  }
}

function follow(kind: Kind, job: ModelJob, model: Model): void {
  switch (kind) {
    case "complete": {
      model.end(job, "succeeded");
      return;
    }
    case "fail": {
      model.fail(job, "failed");
      return;
    }
    case "give up": {
      model.end(job, "failed");
      return;
    }
    case "release": {
      model.release(job);
      return;
    }
    case "partial":
      job.partialResults = { completedSteps: [kind] };
      {
        model.fail(job, "partial");
        return;
      }
  }
}

function expectLost(thrown: unknown, lost: readonly Held[]): void {
  if (lost.length === 0) {
    expect(thrown).toBeUndefined();
    return;
  }
  expect(thrown).toBeInstanceOf(LeaseLostError);
  const named = (thrown as LeaseLostError).jobs.map(claimKey); // checked above
  expect(named.sort()).toEqual(lost.map(claimKey).sort());
}

function byId(a: Held, b: Held): number {
  return claimKey(a) < claimKey(b) ? -1 : 1;
}
