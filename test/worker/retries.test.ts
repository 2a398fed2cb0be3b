import {
  defineTask,
  exponential,
  typed,
  UnrecoverableError,
  type JobInfo,
  type JobReference,
  type Pawl,
} from "pawl";
import { describe, expect, it } from "vitest";
import { endedAttempts, endedOutcomes } from "../fixtures/attempts.ts";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { execute } from "../support/database.ts";

const second = 1_000;
const hour = 3_600_000;

/** For how long a job was put off, in milliseconds: as long as the statement ran, nobody knows it more exactly. */
interface Delay {
  readonly least: number;
  readonly most: number;
}

/** Notes for how long each failed job is put off, and makes it due at once. */
async function noteDelays({ schema }: Pawl): Promise<void> {
  await execute(
    `create table "${schema}".delays (id uuid, attempt integer, least float8, most float8)`,
  );
  await execute(
    `create function "${schema}".note_delay() returns trigger language plpgsql as $$
     begin
       insert into "${schema}".delays
       values (new.id, new.attempt, extract(epoch from new.run_at - clock_timestamp()) * 1000,
               extract(epoch from new.run_at - statement_timestamp()) * 1000);
       new.run_at := clock_timestamp();
       return new;
     end $$`,
  );
  await execute(
    `create trigger note_delay before update on "${schema}".jobs
        for each row when (old.worker_id is not null and new.indexed_as = 'scheduled')
        execute function "${schema}".note_delay()`,
  );
}

/** The delays after each failed attempt of a job, once it has ended. */
async function delaysOf(pawl: Pawl, job: JobReference): Promise<Delay[]> {
  await endedAttempts(pawl, job);
  return execute<Delay & Record<string, unknown>>(
    `select least, most from "${pawl.schema}".delays where id = $1 order by attempt`,
    [job.id],
  );
}

function expectDelay({ least, most }: Delay, expected: number): void {
  expect(least).toBeLessThanOrEqual(expected);
  expect(most).toBeGreaterThanOrEqual(expected);
}

describe("the delays between attempts", () => {
  it.each([
    ["as listed", { retries: 2, delays: ["1h", "2h"] }, [hour, 2 * hour]],
    [
      "with the last one repeated",
      { retries: 4, delays: [1_000, "5s"] },
      [1, 5, 5, 5].map(inSeconds),
    ],
    ["with the last ones unused", { retries: 1, delays: ["1s", "1h"] }, [second]],
    [
      "growing by the factor up to the most",
      exponential({ retries: 5, initial: "1s", factor: 3, max: "20s", jitter: 0 }),
      [1, 3, 9, 20, 20].map(inSeconds),
    ],
    ["none", "none", []],
    ["none for no retries", { retries: 0, delays: ["1h"] }, []],
  ] as const)("are %s", async (_, retry, expected) => {
    const pawl = await freshPawl();
    await noteDelays(pawl);
    const task = defineTask({ name: "task", retry });
    await startWorker(pawl, { handlers: [task.handle(fail)], pollInterval: "10ms" });

    const { job } = await pawl.enqueue(task);
    const delays = await delaysOf(pawl, job);

    expect(delays).toHaveLength(expected.length);
    delays.forEach((delay, place) => {
      expectDelay(delay, Number(expected[place]));
    });
    const attempts = await pawl.history.attempts(job);
    expect(attempts.map(({ attempt }) => attempt)).toEqual(
      Array.from({ length: expected.length + 1 }, (_, n) => n + 1),
    );
    expect(attempts.every(({ outcome }) => outcome === "failed")).toBe(true);
  });

  it("lie between a part of the exponential delay and all of it", async () => {
    const pawl = await freshPawl();
    await noteDelays(pawl);
    const retry = exponential({ retries: 4, initial: "10s", factor: 2, max: "1h", jitter: 0.4 });
    const task = defineTask({ name: "task", retry });
    await startWorker(pawl, { handlers: [task.handle(fail)], pollInterval: "10ms" });

    const { job } = await pawl.enqueue(task);
    const delays = await delaysOf(pawl, job);

    expect(delays).toHaveLength(4);
    delays.forEach((delay, place) => {
      const full = 10 * second * 2 ** place;
      expect(delay.most).toBeGreaterThan(full * 0.6 - 1);
      expect(delay.least).toBeLessThan(full + 1);
    });
  });

  it("are exponential from a second, for 25 attempts, when the task does not say", async () => {
    const pawl = await freshPawl();
    await noteDelays(pawl);
    const task = defineTask({ name: "task" });
    await startWorker(pawl, { handlers: [task.handle(fail)], pollInterval: "10ms" });

    const { job } = await pawl.enqueue(task);
    const delays = await delaysOf(pawl, job);

    expect(delays).toHaveLength(24);
    delays.slice(0, 4).forEach((delay, place) => {
      const full = second * 2 ** place;
      expect(delay.most).toBeGreaterThan(full / 2 - 1);
      expect(delay.least).toBeLessThan(full + 1);
    });
  });

  it("are kept: no attempt starts before its time", async () => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task", retry: { retries: 2, delays: ["150ms", "300ms"] } });
    await startWorker(pawl, { handlers: [task.handle(fail)] });

    const { job } = await pawl.enqueue(task);
    const attempts = await endedAttempts(pawl, job);

    const pauses = attempts
      .slice(1)
      .map(({ startedAt }, place) => Number(startedAt) - Number(attempts[place]?.finishedAt));
    expect(pauses).toHaveLength(2);
    expect(pauses[0]).toBeGreaterThanOrEqual(149);
    expect(pauses[1]).toBeGreaterThanOrEqual(299);
  });
});

describe("a strategy that is a function", () => {
  it("chooses by the job and by what it failed with", async () => {
    const pawl = await freshPawl();
    await noteDelays(pawl);
    const seen: { job: JobInfo; error: unknown }[] = [];
    const task = defineTask({
      name: "task",
      retry: (job, error) => {
        seen.push({ job, error });
        return error instanceof RangeError ? { retries: 5, delays: ["1h"] } : "none";
      },
    });
    const failing = task.handle(({ job }) => {
      throw job.attempt === 1 ? new RangeError("first") : new TypeError("second");
    });
    await startWorker(pawl, { handlers: [failing], pollInterval: "10ms" });

    const { job } = await pawl.enqueue(task);
    const delays = await delaysOf(pawl, job);

    expect(delays).toHaveLength(1);
    delays.forEach((delay) => expectDelay(delay, hour));
    expect(await endedOutcomes(pawl, job)).toEqual(["failed", "failed"]);
    expect(seen.map(({ job: each }) => [each.id, each.attempt])).toEqual([
      [job.id, 1],
      [job.id, 2],
    ]);
    expect(seen.map(({ error }) => (error as Error).message)).toEqual(["first", "second"]);
  });

  it("may only stop earlier than the job's own maxAttempts", async () => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task", retry: () => ({ retries: 10, delays: [0] }) });
    await startWorker(pawl, { handlers: [task.handle(fail)] });

    const { job } = await pawl.enqueue(task, undefined, { maxAttempts: 3 });

    expect(await endedOutcomes(pawl, job)).toEqual(["failed", "failed", "failed"]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new RangeError("the strategy is broken");
      },
      "the strategy is broken",
    ],
    ["returns nonsense", () => "soon" as never, "retry"],
    ["returns a promise", () => Promise.reject(new Error("late")) as never, "retry"],
  ])("ends the job with both errors when it %s", async (_, retry, complaint) => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task", retry });
    await startWorker(pawl, { handlers: [task.handle(fail)] });

    const { job } = await pawl.enqueue(task);
    const attempts = await endedAttempts(pawl, job);

    expect(attempts).toMatchObject([{ outcome: "failed", final: true, attempt: 1 }]);
    expect(attempts[0]?.error).toMatchObject({
      name: "AggregateError",
      errors: [{ message: "failed on purpose" }, { message: expect.stringContaining(complaint) }],
    });
  });
});

describe("how often a job is tried", () => {
  it.each([1, 2, 5])("is what its maxAttempts says: %i", async (maxAttempts) => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task", retry: { retries: 2, delays: [0] } });
    await startWorker(pawl, { handlers: [task.handle(fail)] });

    const { job } = await pawl.enqueue(task, undefined, { maxAttempts });
    const attempts = await endedAttempts(pawl, job);

    expect(attempts.map(({ final }) => final)).toEqual(
      Array.from({ length: maxAttempts }, (_, n) => n === maxAttempts - 1),
    );
  });

  it("is once when the handler says that trying again is no use", async () => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task", retry: { retries: 9, delays: [0] } });
    const cause = new TypeError("no such account");
    const failing = task.handle(() => {
      throw new UnrecoverableError("cannot be sent", { cause });
    });
    await startWorker(pawl, { handlers: [failing] });

    const { job } = await pawl.enqueue(task);
    const attempts = await endedAttempts(pawl, job);

    expect(attempts).toMatchObject([
      {
        outcome: "failed",
        final: true,
        error: {
          name: "UnrecoverableError",
          code: "PAWL_UNRECOVERABLE",
          cause: { message: "no such account" },
        },
      },
    ]);
  });

  it("ends with the first success", async () => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task", retry: { retries: 9, delays: [0] } });
    const seen: Pick<JobInfo, "attempt" | "failures" | "lastError">[] = [];
    const handler = task.handle(({ job: { attempt, failures, lastError } }) => {
      seen.push({ attempt, failures, lastError });
      if (attempt < 3) throw new Error(`failure ${attempt}`);
    });
    await startWorker(pawl, { handlers: [handler] });

    const { job } = await pawl.enqueue(task);

    expect(await endedOutcomes(pawl, job)).toEqual(["failed", "failed", "succeeded"]);
    expect(seen).toEqual([
      { attempt: 1, failures: 0, lastError: null },
      { attempt: 2, failures: 1, lastError: "failure 1" },
      { attempt: 3, failures: 2, lastError: "failure 2" },
    ]);
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "finished" });
  });
});

describe("what a handler throws", () => {
  it.each([
    ["an error with a cause", new Error("a", { cause: new RangeError("b") }), "a"],
    ["a string", "just text", "just text"],
    ["undefined", undefined, "undefined"],
    ["text that PostgreSQL refuses", new Error("nul \0 and \ud800"), "nul"],
    ["far too much text", new Error("x".repeat(100_000)), "xxx"],
  ])("is kept in the history: %s", async (_, thrown, message) => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task", payload: typed<number>(), retry: "none" });
    const failing = task.handle(() => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- a handler may throw anything
      throw thrown;
    });
    await startWorker(pawl, { handlers: [failing] });

    const { job } = await pawl.enqueue(task, 1);
    const [attempt] = await endedAttempts(pawl, job);

    expect(attempt?.error).toMatchObject({ message: expect.stringContaining(message) });
  });

  it("may be a rejection as well", async () => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task", retry: "none" });
    const failing = task.handle(() => Promise.reject(new Error("refused")));
    await startWorker(pawl, { handlers: [failing] });

    const { job } = await pawl.enqueue(task);

    expect((await endedAttempts(pawl, job))[0]?.error).toMatchObject({ message: "refused" });
  });
});

function fail(): never {
  throw new Error("failed on purpose");
}

function inSeconds(count: number): number {
  return count * second;
}
