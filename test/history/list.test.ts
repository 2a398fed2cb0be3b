import { cancel, defineTask, OptionError, typed, type HistoryAttempt, type Pawl } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { migratedSchema, openPawl, rejectionOf, startWorker } from "../support/producer.ts";

const sum = defineTask({ name: "sum", payload: typed<number>(), retry: "none" });
const flaky = defineTask({
  name: "flaky",
  payload: typed<number>(),
  retry: { retries: 1, delays: [0] },
});
const handlers = [
  sum.handle(({ payload }) => (payload < 0 ? cancel("negative") : payload)),
  flaky.handle(() => Promise.reject(new Error("on purpose"))),
];
let schema: string;
let pawl: Pawl;

beforeEach(async () => {
  schema = await migratedSchema();
  pawl = openPawl(schema);
});

describe("the list of what happened", () => {
  it("is empty when nothing has", async () => {
    expect(await pawl.history.list()).toEqual({ attempts: [], next: null });
  });

  it("has every attempt of every job, newest first", async () => {
    await pawl.enqueue(sum, 1, { queue: "one" });
    await settled(1);
    await pawl.enqueue(flaky, 2, { queue: "two" });
    await settled(3);

    const { attempts } = await pawl.history.list();

    expect(attempts).toMatchObject([
      { task: "flaky", queue: "two", attempt: 2, outcome: "failed", final: true, payload: 2 },
      { task: "flaky", queue: "two", attempt: 1, outcome: "failed", final: false },
      { task: "sum", queue: "one", attempt: 1, outcome: "succeeded", final: true, payload: 1 },
    ]);
  });

  it("is filtered by task, queue, outcome, end, correlation id and job", async () => {
    const { job } = await pawl.enqueue(sum, 1, { queue: "one", correlationId: "c1" });
    await pawl.enqueue(sum, -1, { queue: "two" });
    await pawl.enqueue(flaky, 2, { queue: "two", correlationId: "c1" });
    await settled(4);
    const count = async (filters: object): Promise<number> =>
      (await pawl.history.list(filters)).attempts.length;

    expect(await count({ task: "sum" })).toBe(2);
    expect(await count({ queue: "two" })).toBe(3);
    expect(await count({ outcome: "failed" })).toBe(2);
    expect(await count({ outcome: ["cancelled", "succeeded"] })).toBe(2);
    expect(await count({ final: true })).toBe(3);
    expect(await count({ final: false })).toBe(1);
    expect(await count({ correlationId: "c1" })).toBe(3);
    expect(await count({ jobId: job.id })).toBe(1);
    expect(await count({ task: "flaky", queue: "one" })).toBe(0);
    expect(await count({ task: "flaky", final: true, outcome: "failed", queue: "two" })).toBe(1);
  });

  it("is filtered by time: from is part of it, to is not", async () => {
    await insertAttempts(
      "2026-01-01 00:00:01+00",
      "2026-01-01 00:00:02+00",
      "2026-01-01 00:00:03+00",
    );
    const from = new Date("2026-01-01T00:00:02Z");
    const to = new Date("2026-01-01T00:00:03Z");

    const times = async (filters: object): Promise<number[]> =>
      (await pawl.history.list(filters)).attempts.map((each) => each.finishedAt.getUTCSeconds());

    expect(await times({ from })).toEqual([3, 2]);
    expect(await times({ to })).toEqual([2, 1]);
    expect(await times({ from, to })).toEqual([2]);
    expect(await times({ from: to, to: from })).toEqual([]);
  });

  it("goes on with what cannot be decoded, and says why", async () => {
    await pawl.enqueue(sum, 1);
    await pawl.enqueue(sum, 2);
    await settled(2);
    const serializer = {
      serialize: JSON.stringify,
      deserialize: (text: string) => {
        if (text === "2") throw new Error("on purpose");
        return JSON.parse(text) as unknown;
      },
    };

    const { attempts } = await openPawl(schema, { serializer }).history.list();

    expect(attempts.find(({ payload }) => payload === 1)?.payloadError).toBeNull();
    expect(attempts.find(({ payload }) => payload === undefined)?.payloadError).toMatchObject({
      code: "PAWL_PAYLOAD_UNDECODABLE",
    });
  });
});

describe("its pages", () => {
  it("have everything once, however close it lies together", async () => {
    await insertAttempts(
      "2026-01-01 00:00:00.000001+00",
      "2026-01-01 00:00:00.000002+00",
      "2026-01-01 00:00:00.000002+00",
      "2026-01-01 00:00:00.000003+00",
      "2026-01-01 00:00:00.001+00",
    );
    const whole = await pawl.history.list();

    for (const limit of [1, 2, 3, 4]) {
      const read = await allPages(limit);
      expect(read.map(nameOf)).toEqual(whole.attempts.map(nameOf));
    }
  });

  it("tell apart the same id, attempt and time in two queues", async () => {
    const id = crypto.randomUUID();
    for (const queue of ["a", "b", "c"])
      await insertAttempt("2026-01-01 00:00:00+00", { id, queue });

    const read = await allPages(1);

    expect(read.map(({ queue }) => queue)).toEqual(["c", "b", "a"]);
  });

  it("end with the last attempt, also when it fills its page", async () => {
    await insertAttempts("2026-01-01 00:00:01+00", "2026-01-01 00:00:02+00");

    const { attempts, next } = await pawl.history.list({ limit: 2 });

    expect([attempts.length, next]).toEqual([2, null]);
  });

  it("are not shifted by what ends meanwhile", async () => {
    await insertAttempts(
      "2026-01-01 00:00:01+00",
      "2026-01-01 00:00:02+00",
      "2026-01-01 00:00:03+00",
    );
    const first = await pawl.history.list({ limit: 2 });
    await insertAttempts("2026-01-01 00:00:04+00");

    const second = await pawl.history.list({ limit: 2, after: first.next ?? "" });

    expect(second.attempts.map((each) => each.finishedAt.getUTCSeconds())).toEqual([1]);
  });
});

describe("the options of the list", () => {
  it.each([
    ["task", ""],
    ["queue", 1],
    ["outcome", "lost"],
    ["outcome", []],
    ["outcome", ["failed", "lost"]],
    ["final", "yes"],
    ["from", "2026-01-01"],
    ["to", new Date(NaN)],
    ["to", new Date("+010000-01-01T00:00:00Z")],
    ["correlationId", ""],
    ["jobId", "1"],
    ["limit", 0],
    ["limit", 1001],
    ["limit", Infinity],
    ["after", ""],
    ["after", "not a cursor"],
    ["after", Buffer.from('["2026-99-01 00:00:00.000000+00","x",1,"q"]').toString("base64url")],
    ["after", Buffer.from("[1,2,3,4]").toString("base64url")],
    ["after", 7],
  ])("refuse a wrong %s: %j", async (option, value) => {
    const refusal = await rejectionOf(pawl.history.list({ [option]: value }));

    expect(refusal).toBeInstanceOf(OptionError);
    expect(refusal).toMatchObject({ code: "PAWL_OPTION_INVALID" });
  });

  it("refuse a cursor whose time does not exist", async () => {
    const id = crypto.randomUUID();
    const cursor = JSON.stringify(["2026-13-41 00:00:00.000000+00", id, 1, "q"]);
    const after = Buffer.from(cursor).toString("base64url");

    expect(await rejectionOf(pawl.history.list({ after }))).toMatchObject({ option: "after" });
  });
});

async function settled(count: number): Promise<void> {
  const worker = await startWorker(pawl, { handlers });
  await eventually(async () => (await pawl.history.list()).attempts.length === count);
  await worker.stop();
}

async function allPages(limit: number): Promise<HistoryAttempt[]> {
  const read: HistoryAttempt[] = [];
  let page = await pawl.history.list({ limit });
  read.push(...page.attempts);
  while (page.next !== null) {
    page = await pawl.history.list({ limit, after: page.next });
    read.push(...page.attempts);
  }
  return read;
}

function nameOf({ queue, attemptId }: HistoryAttempt): string {
  return `${queue} ${attemptId}`;
}

async function insertAttempts(...times: readonly string[]): Promise<void> {
  for (const time of times) await insertAttempt(time, { id: crypto.randomUUID(), queue: "q" });
}

async function insertAttempt(
  time: string,
  { id, queue }: { id: string; queue: string },
): Promise<void> {
  await execute(
    `insert into ${schema}.history (id, created_at, run_at, finished_at, expires_at, attempt, final, queue, task, outcome)
     values ($1, $2, $2, $2, now() + interval '30 days', 1, true, $3, 't', 'succeeded')`,
    [id, time, queue],
  );
}
