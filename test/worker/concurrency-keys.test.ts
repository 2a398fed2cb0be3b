import { defineTask, typed } from "pawl";
import { describe, expect, it } from "vitest";
import { freshEngine } from "../support/engine.ts";

const payload = typed<{ n: number; key: string }>();

describe("jobs with a concurrency key", () => {
  it("run one after another, in the order of their enqueue", async () => {
    const engine = await freshEngine();
    const task = defineTask({ name: "serial", payload, concurrency: { key: ({ key }) => key } });
    const started: number[] = [];
    let running = 0;
    let most = 0;
    const handler = task.handle(async ({ payload: { n } }) => {
      running += 1;
      most = Math.max(most, running);
      started.push(n);
      await new Promise((resolve) => setTimeout(resolve, n % 3));
      running -= 1;
    });
    const jobs = Array.from({ length: 60 }, (_, n) => task.job({ n, key: "a" }));
    await engine.pawl.enqueueMany(jobs);

    const { errors } = await engine.work({ handlers: [handler], concurrency: 10 });
    await engine.until(() => started.length === 60);

    expect(started).toEqual(jobs.map((_, n) => n));
    expect(most).toBe(1);
    expect(errors).toEqual([]);
  });
});
