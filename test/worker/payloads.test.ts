import { defineTask, Pawl, typed, type StandardSchema } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import * as z from "zod";
import { endedAttempts, endedOutcomes } from "../fixtures/attempts.ts";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { databaseUrl, execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

/** A schema that takes numbers, after a turn of the event loop. */
const asyncNumber: StandardSchema<number, number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: async (value) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (typeof value === "number") return { value: value * 2 };
      return { issues: [{ message: "expected a number" }] };
    },
  },
};

/** Writes something else over the payload of a job. */
async function overwrite(pawl: Pawl, id: string, payload: string): Promise<void> {
  await execute(`update "${pawl.schema}".jobs set payload = $1 where id = $2`, [payload, id]);
}

describe("the payload that a handler gets", () => {
  it("is what the task's schema gives out", async () => {
    const pawl = await freshPawl();
    const payload = z.object({ at: z.string().transform((text) => new Date(text)) });
    const task = defineTask({ name: "task", payload });
    const seen: unknown[] = [];
    await startWorker(pawl, {
      handlers: [task.handle(({ payload: { at } }) => void seen.push(at))],
    });

    const { job } = await pawl.enqueue(task, { at: "2026-01-02T03:04:05Z" });

    expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
    expect(seen).toEqual([new Date("2026-01-02T03:04:05Z")]);
  });

  it("has the defaults that the schema fills in", async () => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task", payload: z.object({ copies: z.number().default(3) }) });
    const seen: unknown[] = [];
    await startWorker(pawl, { handlers: [task.handle(({ payload }) => void seen.push(payload))] });

    const { job } = await pawl.enqueue(task, {});
    await endedAttempts(pawl, job);

    expect(seen).toEqual([{ copies: 3 }]);
  });

  it("may come from a validator that takes its time", async () => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task", payload: asyncNumber });
    const seen: unknown[] = [];
    await startWorker(pawl, { handlers: [task.handle(({ payload }) => void seen.push(payload))] });

    const { job } = await pawl.enqueue(task, 21);
    await endedAttempts(pawl, job);

    expect(seen).toEqual([42]);
  });

  it("is undefined or null for a task that takes none", async () => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task" });
    const seen: unknown[] = [];
    await startWorker(pawl, { handlers: [task.handle(({ payload }) => void seen.push(payload))] });

    const { job } = await pawl.enqueue(task);
    await endedAttempts(pawl, job);

    expect(seen[0] ?? null).toBeNull();
  });
});

describe("a payload in the database that its task no longer takes", () => {
  it.each([
    ["a schema", z.number()],
    ["a schema that takes its time", asyncNumber],
  ])("fails its job alone, for good, with the reason (%s)", async (_, payload) => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task", payload, retry: { retries: 9, delays: [0] } });
    const ran: number[] = [];
    const jobs = await pawl.enqueueMany([1, 2, 3].map((n) => task.job(n)));
    const [, bad] = jobs;
    await overwrite(pawl, String(bad?.job.id), '"text"');

    await startWorker(pawl, { handlers: [task.handle(() => void ran.push(1))] });
    const attempts = await Promise.all(jobs.map(({ job }) => endedAttempts(pawl, job)));

    expect(attempts.map((each) => each.map(({ outcome }) => outcome))).toEqual([
      ["succeeded"],
      ["failed"],
      ["succeeded"],
    ]);
    expect(attempts[1]?.[0]?.error).toMatchObject({
      name: "PayloadError",
      code: "PAWL_PAYLOAD_INVALID",
      message: expect.stringContaining("payload"),
    });
    expect(ran).toHaveLength(2);
  });

  it("fails its job alone when the serializer cannot read it", async () => {
    const { schema } = await freshPawl();
    const serializer = {
      serialize: (value: unknown) => JSON.stringify({ sealed: value }),
      deserialize(text: string) {
        const { sealed } = JSON.parse(text) as { sealed?: unknown };
        if (sealed === undefined) throw new RangeError("the seal is broken");
        return sealed;
      },
    };
    const pawl = new Pawl({ database: databaseUrl(), schema, serializer });
    onTestFinished(() => pawl.close());
    const task = defineTask({ name: "task", payload: typed<number>() });
    const { job: good } = await pawl.enqueue(task, 1);
    const { job: bad } = await pawl.enqueue(task, 2);
    await execute(`update "${schema}".jobs set payload = '{}' where id = $1`, [bad.id]);
    const seen: number[] = [];

    const worker = pawl.worker({
      lease: "1s",
      shutdownGrace: 0,
      handlers: [task.handle(({ payload }) => void seen.push(payload))],
    });
    await worker.start();

    const outcomesOf = (id: string): Promise<Record<string, unknown>[]> =>
      eventually(async () => {
        const rows = await execute(
          `select outcome, final, error from "${schema}".history where id = $1`,
          [id],
        );
        return rows.length > 0 && rows;
      });
    expect(await outcomesOf(good.id)).toMatchObject([{ outcome: "succeeded" }]);
    expect(await outcomesOf(bad.id)).toMatchObject([
      {
        outcome: "failed",
        final: true,
        error: { code: "PAWL_PAYLOAD_UNDECODABLE", cause: { message: "the seal is broken" } },
      },
    ]);
    expect(seen).toEqual([1]);
  });
});
