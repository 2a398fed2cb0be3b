import { defineTask, Pawl, typed } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import { freshPawl } from "../fixtures/fresh-pawl.ts";
import { databaseUrl, freshSchemaName } from "../support/database.ts";

const hour = 3_600_000;
const note = defineTask({ name: "note", payload: typed<string>() });

describe("a job that has ended", () => {
  it("is enqueued anew at the very time of its end, and after the clock was set back", async () => {
    const clock = { now: Date.UTC(2031, 4, 6, 12) };
    const schema = freshSchemaName();
    const pawl = new Pawl({ database: databaseUrl(), schema, clock: () => clock.now });
    onTestFinished(() => pawl.close());
    await pawl.migrate();
    for (const set of [0, -hour]) {
      const { job } = await pawl.enqueue(note, "again");
      await pawl.jobs.failPermanently(job, "no use");
      clock.now += set;

      const [retried] = await pawl.jobs.retry(job);

      expect(retried?.outcome).toBe("replayed");
      expect((await pawl.jobs.get(retried?.job ?? ""))?.state).not.toBe("finished");
      const { created } = await pawl.history.replay({ jobIds: [job.id], queue: job.queue });
      expect(created).toBe(0);
    }
  });

  it("is enqueued anew when its last attempt was a partial success, for it has failed for good", async () => {
    const pawl = await freshPawl();
    const { job } = await pawl.enqueue(note, "half", { maxAttempts: 1 });
    const [held] = await pawl.jobs.claim("ada");
    if (held === undefined) throw new Error("expected the job");
    await pawl.jobs.reportPartialSuccess("ada", held, { completedSteps: ["half"] });

    expect(await pawl.history.attempts(job)).toMatchObject([{ outcome: "partial", final: true }]);
    const [retried] = await pawl.jobs.retry(job);

    expect(retried?.outcome).toBe("replayed");
    expect(await pawl.jobs.get(retried?.job ?? "")).toMatchObject({ payload: "half" });
    expect(await pawl.history.replay()).toMatchObject({ matched: 1, skipped: 1 });
  });
});
