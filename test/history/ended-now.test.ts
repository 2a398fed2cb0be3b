import { defineTask, Pawl, typed } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
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
});
