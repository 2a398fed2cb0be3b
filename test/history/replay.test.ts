import { cancel, defineTask, OptionError, Pawl, PayloadError, typed } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { databaseUrl, execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import {
  beginTransaction,
  jobsIn,
  migratedSchema,
  openPawl,
  rejectionOf,
  startWorker,
} from "../support/producer.ts";

const charge = defineTask({
  name: "charge",
  payload: z.object({ amount: z.number() }),
  queue: "money",
  priority: 7,
  retry: "none",
});
const stranger = defineTask({ name: "stranger", payload: typed<number>(), retry: "none" });
const tasks = [charge] as const;
let schema: string;
let pawl: Pawl<typeof tasks>;

beforeEach(async () => {
  schema = await migratedSchema();
  pawl = openPawl(schema, { tasks });
});

describe("a replay", () => {
  it("finds nothing where nothing has failed", async () => {
    const nothing = { matched: 0, created: 0, skipped: 0, next: null };

    expect(await pawl.history.replay()).toEqual(nothing);
    expect(await pawl.history.replay({ dryRun: true, task: "charge" })).toEqual(nothing);
  });

  it("enqueues a new job for each one that failed, as its task says now, linked to the old one", async () => {
    const { job } = await pawl.enqueue(charge, { amount: 5 }, { correlationId: "c1" });
    await fail(1);

    const result = await pawl.history.replay();

    expect(result).toEqual({ matched: 1, created: 1, skipped: 0, next: null });
    const [made] = await jobsIn(schema);
    expect(made).toMatchObject({
      queue: "money",
      task: "charge",
      state: "ready",
      payload: { amount: 5 },
      priority: 7,
      max_attempts: 1,
      correlation_id: "c1",
      attempt: 0,
    });
    expect(made?.id).not.toBe(job.id);
    expect(made?.id.charAt(14)).toBe("8");
    expect(await pawl.jobs.get({ queue: "money", id: made?.id ?? "" })).toMatchObject({
      replayOf: job.id,
    });
  });

  it("leaves alone what succeeded, was cancelled or will run again", async () => {
    const patient = defineTask({
      name: "patient",
      payload: typed<number>(),
      retry: { retries: 1, delays: ["1h"] },
    });
    await pawl.enqueue(stranger, 1);
    await pawl.enqueue(stranger, -1);
    await pawl.enqueue(patient, 0);
    await settle(
      [
        stranger.handle(({ payload }) => (payload < 0 ? cancel("negative") : payload)),
        patient.handle(() => Promise.reject(new Error("not yet"))),
      ],
      3,
    );

    expect(await pawl.history.replay()).toMatchObject({ matched: 0 });
    expect(await pawl.history.replay({ outcome: "cancelled" })).toMatchObject({ created: 1 });
    expect((await jobsIn(schema)).map(({ payload }) => payload).sort()).toEqual([-1, 0]);
  });

  it("is done once, as long as the new job is live or its history is kept", async () => {
    await pawl.enqueue(charge, { amount: 1 });
    await fail(1);
    await pawl.history.replay();

    expect(await pawl.history.replay()).toEqual({ matched: 1, created: 0, skipped: 1, next: null });
    await succeed(2);

    expect(await pawl.history.replay()).toMatchObject({ matched: 1, created: 0, skipped: 1 });
    expect(await jobsIn(schema)).toEqual([]);
  }, 60_000);

  it("is done once by many at the same time", async () => {
    await pawl.enqueueMany(Array.from({ length: 20 }, () => charge.job({ amount: 1 })));
    await fail(20);

    const results = await Promise.all(
      Array.from({ length: 4 }, () => openPawl(schema, { tasks }).history.replay()),
    );

    expect(results.reduce((sum, { created }) => sum + created, 0)).toBe(20);
    expect(await jobsIn(schema)).toHaveLength(20);
  });

  it("of a replay that failed is another one", async () => {
    await pawl.enqueue(charge, { amount: 1 });
    await fail(1);
    await pawl.history.replay();
    await fail(2);

    expect(await pawl.history.replay()).toEqual({ matched: 2, created: 1, skipped: 1, next: null });
  }, 60_000);

  it("leaves out a job that is live again under its own id", async () => {
    const { job } = await pawl.enqueue(charge, { amount: 1 });
    await fail(1);
    await execute(
      `insert into ${schema}.jobs (id, queue, task, indexed_as, payload, run_at, created_at, max_attempts, attempt)
       values ($1, 'money', 'charge', 'ready', '{"amount": 1}', now(), now(), 1, 1)`,
      [job.id],
    );

    expect(await pawl.history.replay()).toMatchObject({ matched: 0 });
    await succeed(2);

    expect(await pawl.history.replay()).toMatchObject({ matched: 0 });
  }, 60_000);

  it("only counts in a dry run", async () => {
    await pawl.enqueueMany([charge.job({ amount: 1 }), charge.job({ amount: 2 })]);
    await fail(2);
    const [first] = (await pawl.history.list()).attempts;
    await pawl.history.replay({ jobIds: [first?.id ?? ""] });

    const result = await pawl.history.replay({ dryRun: true });

    expect(result).toEqual({ matched: 2, created: 1, skipped: 1, next: null });
    expect(await jobsIn(schema)).toHaveLength(1);
  });

  it("chooses by task, queue, time and job", async () => {
    await pawl.enqueue(charge, { amount: 1 });
    const { job } = await pawl.enqueue(stranger, 1, { queue: "elsewhere" });
    await fail(2);
    const [newest, oldest] = (await pawl.history.list()).attempts;
    const count = async (options: object): Promise<number> =>
      (await pawl.history.replay({ dryRun: true, ...options })).matched;

    expect(await count({})).toBe(2);
    expect(await count({ task: "charge" })).toBe(1);
    expect(await count({ queue: "elsewhere" })).toBe(1);
    expect(await count({ queue: "elsewhere", task: "charge" })).toBe(0);
    expect(await count({ jobIds: [job.id] })).toBe(1);
    expect(await count({ jobIds: [] })).toBe(0);
    expect(await count({ to: oldest?.finishedAt })).toBe(0);
    expect(await count({ from: new Date(Number(newest?.finishedAt) + 1) })).toBe(0);
    expect(await count({ from: new Date(0), to: new Date("2100-01-01") })).toBe(2);
  });

  it("gives the new jobs other attempts, another priority and a delay", async () => {
    await pawl.enqueue(charge, { amount: 1 });
    await fail(1);

    await pawl.history.replay({ maxAttempts: 4, priority: -2, delay: "1h" });

    expect(await jobsIn(schema)).toMatchObject([
      { max_attempts: 4, priority: -2, state: "scheduled" },
    ]);
  });

  it("takes jobs of a task that it does not know", async () => {
    await pawl.enqueue(stranger, 3, { queue: "elsewhere" });
    await fail(1);

    await pawl.history.replay();

    expect(await jobsIn(schema)).toMatchObject([
      { task: "stranger", queue: "elsewhere", payload: 3, max_attempts: 25 },
    ]);
  });

  it("goes oldest first, up to its limit, and on from there", async () => {
    for (const amount of [1, 2, 3]) {
      await pawl.enqueue(charge, { amount });
      await fail(amount);
    }

    const first = await pawl.history.replay({ limit: 2 });
    const amounts = async (): Promise<unknown[]> =>
      (await jobsIn(schema)).map(({ payload }) => payload);
    const afterFirst = await amounts();
    const second = await pawl.history.replay({ limit: 2, after: first.next ?? "" });

    expect(first).toMatchObject({ matched: 2, created: 2 });
    expect(afterFirst).toHaveLength(2);
    expect(afterFirst).toEqual(expect.arrayContaining([{ amount: 1 }, { amount: 2 }]));
    expect(second).toEqual({ matched: 1, created: 1, skipped: 0, next: null });
    expect(await amounts()).toHaveLength(3);
  }, 60_000);

  it("takes thousands in batches", async () => {
    await execute(
      `insert into ${schema}.history (id, created_at, run_at, finished_at, expires_at, attempt, final, queue, task, outcome, payload)
       select gen_random_uuid(), now(), now(), now(), now() + interval '30 days', 1, true, 'money', 'charge', 'failed',
              json_build_object('amount', n)
         from generate_series(1, 1800) as n`,
    );

    const result = await pawl.history.replay({ limit: 1_700 });

    expect(result).toMatchObject({ matched: 1_700, created: 1_700, skipped: 0 });
    expect(result.next).not.toBeNull();
    expect(await pawl.history.replay({ limit: 1_000_000 })).toMatchObject({
      matched: 1_800,
      created: 100,
      next: null,
    });
  });
});

describe("the payload of a replay", () => {
  it("may be another one, for all", async () => {
    await pawl.enqueue(charge, { amount: 1 });
    await fail(1);

    await pawl.history.replay({ payload: { amount: 9 } });

    expect(await jobsIn(schema)).toMatchObject([{ payload: { amount: 9 } }]);
  });

  it("may be made of the old one and its attempt", async () => {
    await pawl.enqueue(charge, { amount: 1 });
    await fail(1);

    await pawl.history.replay({
      payload: async (old: { amount: number }, { error }: { error: { message: string } }) =>
        Promise.resolve({ amount: old.amount + error.message.length }),
    });

    expect(await jobsIn(schema)).toMatchObject([{ payload: { amount: 1 + "on purpose".length } }]);
  });

  it("is checked by the task's schema, and nothing is written when it is wrong", async () => {
    const { job } = await pawl.enqueue(charge, { amount: 1 });
    await fail(1);

    const refusal = await rejectionOf(pawl.history.replay({ payload: { amount: "much" } }));

    expect(refusal).toBeInstanceOf(PayloadError);
    expect(refusal).toMatchObject({
      code: "PAWL_PAYLOAD_INVALID",
      message: expect.stringContaining(job.id) as string,
      issues: [{ path: "payload.amount" }],
    });
    expect(await jobsIn(schema)).toEqual([]);
  });

  it("that cannot be decoded is refused, with the job's id", async () => {
    const { job } = await pawl.enqueue(charge, { amount: 1 });
    await fail(1);
    const serializer = { serialize: JSON.stringify, deserialize: () => JSON.parse("{") as unknown };

    const refusal = await rejectionOf(openPawl(schema, { serializer }).history.replay());

    expect(refusal).toMatchObject({
      code: "PAWL_PAYLOAD_UNDECODABLE",
      message: expect.stringContaining(job.id) as string,
    });
  });
});

describe("a replay in the caller's transaction", () => {
  it("commits with it", async () => {
    await pawl.enqueue(charge, { amount: 1 });
    await fail(1);
    const db = await beginTransaction();

    const result = await pawl.history.replay({ db });
    const before = await jobsIn(schema);
    await db.query("commit");

    expect(result).toMatchObject({ created: 1 });
    expect(before).toEqual([]);
    expect(await jobsIn(schema)).toHaveLength(1);
    const links = await execute(`select replay_of is not null as linked from ${schema}.jobs`);
    expect(links).toEqual([{ linked: true }]);
  });

  it("rolls back with it", async () => {
    await pawl.enqueue(charge, { amount: 1 });
    await fail(1);
    const db = await beginTransaction();

    await pawl.history.replay({ db });
    await db.query("rollback");

    expect(await jobsIn(schema)).toEqual([]);
    expect(await pawl.history.replay()).toMatchObject({ created: 1 });
  });
});

describe("the options of a replay", () => {
  it.each([
    ["from", "yesterday"],
    ["to", 5],
    ["task", ""],
    ["queue", ""],
    ["outcome", "succeeded"],
    ["outcome", []],
    ["jobIds", "all"],
    ["jobIds", ["1"]],
    ["maxAttempts", 0],
    ["priority", 1.5],
    ["delay", "soon"],
    ["limit", 0],
    ["limit", 1_000_001],
    ["limit", Infinity],
    ["after", "x"],
    ["dryRun", "yes"],
  ])("refuse a wrong %s: %j", async (option, value) => {
    expect(await rejectionOf(pawl.history.replay({ [option]: value }))).toBeInstanceOf(OptionError);
  });

  it("refuse a `db` that is no transaction", async () => {
    const outside = new Pawl({ database: databaseUrl(), schema });

    const refusal = await rejectionOf(outside.history.replay({ db: {} }));
    await outside.close();

    expect(refusal).toMatchObject({ code: "PAWL_TRANSACTION_REQUIRED" });
  });
});

/** Lets a worker run until so many attempts are in the history. */
async function settle(handlers: ReturnType<typeof charge.handle>[], count: number): Promise<void> {
  const worker = await startWorker(pawl, { handlers });
  await eventually(async () => (await pawl.history.list()).attempts.length === count);
  await worker.stop();
}

function fail(count: number): Promise<void> {
  const refuse = (): Promise<never> => Promise.reject(new Error("on purpose"));
  return settle([charge.handle(refuse), stranger.handle(refuse)], count);
}

function succeed(count: number): Promise<void> {
  return settle([charge.handle(() => undefined), stranger.handle(() => undefined)], count);
}
