import { defineTask, typed, type JobInfo, type JobReference, type Pawl, type Retry } from "pawl";
import { describe, expect, it } from "vitest";
import { clockedPawl, type Hands } from "../fixtures/clocked-pawl.ts";
import { page } from "../docs/markdown.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

interface Failures {
  readonly pawl: Pawl;
  readonly clock: Hands;
  readonly job: JobReference;
  /** How long after each failure the job runs again, in milliseconds. */
  readonly delays: number[];
  /** How often the handler ran. */
  readonly ran: number;
}

/** Fails a job with this strategy until it has failed for good, each attempt as soon as it may be, and no earlier. */
async function failToTheEnd(
  retry: Retry<JobInfo> | undefined,
  thrown: (attempt: number) => Error = () => new Error("failed on purpose"),
): Promise<Failures> {
  const { pawl, clock } = await clockedPawl();
  const task = defineTask({
    name: "failing",
    payload: typed<string>(),
    ...(retry === undefined ? {} : { retry }),
  });
  let ran = 0;
  const handlers = [
    task.handle(({ job }) => {
      ran += 1;
      throw thrown(job.attempt);
    }),
  ];
  const delays: number[] = [];
  const { job } = await pawl.enqueue(task, "payload");
  for (;;) {
    await pawl.workOnce({ handlers });
    const next = await pawl.jobs.get(job);
    if (next?.state !== "scheduled") return { pawl, clock, job, delays, ran };
    const delay = next.runAt.getTime() - clock.now;
    delays.push(delay);
    clock.now += delay - 1;
    expect(await pawl.workOnce({ handlers })).toBeNull();
    clock.now += 1;
  }
}

describe("the examples of Proletarian's document, under a fixed clock", () => {
  it("retries two times: the first time after 1 second and the second after 5 seconds", async () => {
    const { delays, ran, pawl, job } = await failToTheEnd({ retries: 2, delays: [1000, 5000] });

    expect(delays).toEqual([second, 5 * second]);
    expect(ran).toBe(3);
    expect(await pawl.history.attempts(job)).toMatchObject([
      { outcome: "failed", final: false, attempt: 1 },
      { outcome: "failed", final: false, attempt: 2 },
      { outcome: "failed", final: true, attempt: 3 },
    ]);
  });

  it("retries four times: the first time after 2 seconds, and the last three times after 10", async () => {
    const { delays, ran } = await failToTheEnd({ retries: 4, delays: [2000, 10_000] });

    expect(delays).toEqual([2 * second, 10 * second, 10 * second, 10 * second]);
    expect(ran).toBe(5);
  });
});

describe("retry-strategy: total attempts are retries + 1, and the last delay repeats", () => {
  it("takes delays as duration strings", async () => {
    const { delays, ran } = await failToTheEnd({ retries: 3, delays: ["30s", "2 minutes"] });

    expect(delays).toEqual([30 * second, 2 * minute, 2 * minute]);
    expect(ran).toBe(4);
  });

  it("is chosen by the job and the error", async () => {
    const given: [string, number, string][] = [];
    const { delays, ran } = await failToTheEnd(
      (job, error) => {
        const { message } = error as Error;
        given.push([job.task, job.attempt, message]);
        if (message === "fatal") return "none";
        return { retries: 9, delays: message === "busy" ? ["1h"] : ["1s"] };
      },
      (attempt) => new Error(["busy", "odd", "fatal"][attempt - 1]),
    );

    expect(given).toEqual([
      ["failing", 1, "busy"],
      ["failing", 2, "odd"],
      ["failing", 3, "fatal"],
    ]);
    expect(delays).toEqual([hour, second]);
    expect(ran).toBe(3);
  });

  it("that itself throws fails the job, with both errors recorded", async () => {
    const { delays, pawl, job } = await failToTheEnd(
      () => {
        throw new TypeError("of the strategy");
      },
      () => new RangeError("of the handler"),
    );

    expect(delays).toEqual([]);
    expect(await pawl.history.attempts(job)).toMatchObject([
      {
        outcome: "failed",
        final: true,
        error: {
          errors: [
            { name: "RangeError", message: "of the handler" },
            { name: "TypeError", message: "of the strategy" },
          ],
        },
      },
    ]);
  });
});

describe("the default is exponential with 25 attempts, jittered and documented; none is Proletarian's", () => {
  it("retries 24 times, each delay at random between half of the doubled one and all of it", async () => {
    const { delays, ran } = await failToTheEnd(undefined);

    const full = Array.from({ length: 24 }, (_, n) => Math.min(6 * hour, second * 2 ** n));
    const parts = delays.map((delay, n) => delay / (full[n] ?? NaN));
    expect(ran).toBe(25);
    expect(delays).toHaveLength(24);
    expect(Math.min(...parts)).toBeGreaterThanOrEqual(0.49);
    expect(Math.max(...parts)).toBeLessThanOrEqual(1.01);
    expect(new Set(parts.map((part) => part.toFixed(4))).size).toBeGreaterThan(1);
    expect(page("docs/guides/retries.md").text).toMatch(/25 (attempts|times)/);
  }, 60_000);

  it("does not retry with none", async () => {
    const { delays, ran, pawl, job } = await failToTheEnd("none");

    expect(delays).toEqual([]);
    expect(ran).toBe(1);
    expect(await pawl.jobs.get(job)).toMatchObject({ state: "finished", outcome: "failed" });
  });
});
