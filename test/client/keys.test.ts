import { defineTask, type EnqueueOptions } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { execute } from "../support/database.ts";
import {
  beginTransaction,
  countJobs,
  migratedSchema,
  openPawl,
  rejectionOf,
} from "../support/producer.ts";

interface KeyedRow {
  readonly id: string;
  readonly state: string;
  readonly concurrency_key: string | null;
  readonly concurrency_limit: number | null;
  readonly concurrency_order: number | null;
  readonly rate_limit_key: string | null;
  readonly rate_limit_weight: number | null;
  readonly flags: string[] | null;
}

const order = defineTask({
  name: "order",
  payload: z.object({ tenant: z.string() }),
  concurrency: { key: ({ tenant }) => `tenant ${tenant}`, limit: 2 },
});
const send = defineTask({
  name: "send",
  rateLimit: { key: "mail", capacity: 10, interval: "1m", mode: "sliding" },
});
const plain = defineTask({ name: "plain" });
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("a job with a concurrency key", () => {
  it("is blocked, with its place in line, and its arrival is announced", async () => {
    const pawl = openPawl(schema);

    const { job, outcome } = await pawl.enqueue(order, { tenant: "a" });

    expect(outcome).toBe("created");
    expect(job.state).toBe("blocked");
    expect(await keyedJobs()).toMatchObject([
      { id: job.id, state: "blocked", concurrency_key: "tenant a", concurrency_limit: 2 },
    ]);
    expect((await keyedJobs())[0]?.concurrency_order).toBeGreaterThan(0);
    expect(await arrivals()).toMatchObject([
      { queue: "default", concurrency_key: "tenant a", concurrency_limit: 2, is_enqueue: true },
    ]);
  });

  it("is scheduled without a place in line when it is due later", async () => {
    const pawl = openPawl(schema);

    const { job } = await pawl.enqueue(order, { tenant: "a" }, { delay: "1h" });

    expect(job.state).toBe("scheduled");
    expect(await keyedJobs()).toMatchObject([{ state: "scheduled", concurrency_order: null }]);
  });

  it("stands in line in the order of the list, beside plain jobs, with one arrival for all", async () => {
    const pawl = openPawl(schema);
    const requests = Array.from({ length: 1_000 }, (_, index) =>
      index % 3 === 0 ? plain.job() : order.job({ tenant: index % 2 === 0 ? "a" : "b" }),
    );

    const results = await pawl.enqueueMany(requests);

    const rows = new Map((await keyedJobs()).map((row) => [row.id, row]));
    const orders = results.flatMap(({ job }) => rows.get(job.id)?.concurrency_order ?? []);
    expect(orders).toHaveLength(666);
    expect(orders).toEqual([...orders].sort((a, b) => a - b));
    expect(results.map(({ job }) => job.state)).toEqual(
      requests.map(({ task }) => (task.name === "plain" ? "ready" : "blocked")),
    );
    expect(await arrivals()).toHaveLength(2);
    expect(await transactions()).toBe(1);
  });

  it("shares a statement with other calls, each answered for itself", async () => {
    const pawl = openPawl(schema);

    const results = await Promise.all([
      pawl.enqueue(plain),
      pawl.enqueue(order, { tenant: "a" }),
      pawl.enqueue(plain, undefined, { rateLimit: { key: "nobody's" } }).catch(() => "refused"),
      pawl.enqueue(send, undefined, { flags: ["eu"] }),
    ]);

    expect(results).toMatchObject([
      { job: { state: "ready" } },
      { job: { state: "blocked" } },
      "refused",
      { job: { state: "ready" } },
    ]);
    expect(await countJobs(schema)).toBe(3);
  });

  it("is one job for one id, whoever enqueues it again", async () => {
    const pawl = openPawl(schema);
    const id = crypto.randomUUID();

    const first = await pawl.enqueue(order, { tenant: "a" }, { id });
    const again = await pawl.enqueue(order, { tenant: "b" }, { id });
    const twice = await pawl.enqueueMany([
      order.job({ tenant: "c" }, { id }),
      plain.job(),
      order.job({ tenant: "c" }, { id }),
    ]);

    expect([first, again, ...twice].map(({ outcome }) => outcome)).toEqual([
      ...["created", "kept", "kept", "created", "kept"],
    ]);
    expect(again.job).toMatchObject({ id, state: "blocked" });
    expect(await countJobs(schema)).toBe(2);
  });

  it("takes what an enqueue says, member by member, and the rest from the task", async () => {
    const pawl = openPawl(schema);

    await pawl.enqueue(order, { tenant: "a" }, { concurrency: { key: "other" } });
    await pawl.enqueue(order, { tenant: "a" }, { concurrency: { limit: 7 } });
    await pawl.enqueue(plain, undefined, { concurrency: { key: "alone" } });

    expect(await keyedJobs()).toMatchObject([
      { concurrency_key: "other", concurrency_limit: 2 },
      { concurrency_key: "tenant a", concurrency_limit: 7 },
      { concurrency_key: "alone", concurrency_limit: 1 },
    ]);
  });

  it("takes a key of 255 bytes", async () => {
    const pawl = openPawl(schema);
    const key = `${"ž".repeat(127)}"`;

    await pawl.enqueue(plain, undefined, { concurrency: { key } });

    expect(await keyedJobs()).toMatchObject([{ concurrency_key: key }]);
  });

  it("keeps the text of its payload as it was written", async () => {
    const pawl = openPawl(schema, {
      serializer: { serialize: () => '{ "b": 1.0,  "a": null }', deserialize: JSON.parse },
    });

    await pawl.enqueue(order, { tenant: "a" });

    const [row] = await execute<{ text: string }>(
      `select payload::text as text from ${schema}.jobs`,
    );
    expect(row?.text).toBe('{ "b": 1.0,  "a": null }');
  });

  it("keeps a payload of null", async () => {
    const pawl = openPawl(schema);

    await pawl.enqueue(plain, undefined, { flags: ["x"] });

    const rows = await execute(`select payload::text as text from ${schema}.jobs`);
    expect(rows).toEqual([{ text: "null" }]);
  });
});

describe("a job with a rate limit", () => {
  it("is ready, and its arrival registers the limit", async () => {
    const pawl = openPawl(schema);

    const { job } = await pawl.enqueue(send, undefined, { rateLimit: { weight: 3 } });

    expect(job.state).toBe("ready");
    expect(await keyedJobs()).toMatchObject([{ rate_limit_key: "mail", rate_limit_weight: 3 }]);
    expect(await arrivals()).toMatchObject([
      { rate_limit_key: "mail", capacity: 10, interval_ms: 60_000, is_sliding: true },
    ]);
  });

  it("is refused when nothing registered its key, and nothing is written", async () => {
    const pawl = openPawl(schema);
    const requests = [plain.job(), plain.job(undefined, { rateLimit: { key: "nobody's" } })];

    const refusal = await rejectionOf(pawl.enqueueMany(requests));

    expect(refusal).toMatchObject({
      name: "RateLimitError",
      code: "PAWL_RATE_LIMIT_UNKNOWN",
      key: "nobody's",
    });
    expect(await countJobs(schema)).toBe(0);
    expect(await arrivals()).toEqual([]);
  });

  it("leaves the caller's transaction usable when it is refused", async () => {
    const pawl = openPawl(schema);
    const client = await beginTransaction();
    const options = { db: client, rateLimit: { key: "nobody's" } };

    const refusal = await rejectionOf(pawl.enqueue(plain, undefined, options));
    await pawl.enqueue(plain, undefined, { db: client });
    await client.query("commit");

    expect(refusal).toMatchObject({ code: "PAWL_RATE_LIMIT_UNKNOWN" });
    expect(await countJobs(schema)).toBe(1);
  });

  it("needs no registration of its own when an earlier enqueue has one that nobody has read", async () => {
    const pawl = openPawl(schema);
    await pawl.enqueue(send);

    await pawl.enqueue(plain, undefined, { rateLimit: { key: "mail", weight: 10 } });
    const refusal = await rejectionOf(
      pawl.enqueue(plain, undefined, { rateLimit: { key: "mail", weight: 11 } }),
    );

    expect(refusal).toMatchObject({ code: "PAWL_RATE_LIMIT_WEIGHT", key: "mail" });
    expect(await countJobs(schema)).toBe(2);
  });

  it("counts a registration of the same call", async () => {
    const pawl = openPawl(schema);
    const heavy = plain.job(undefined, { rateLimit: { key: "mail", weight: 11 } });
    const light = plain.job(undefined, { rateLimit: { key: "mail" } });

    const refusal = await rejectionOf(pawl.enqueueMany([heavy, send.job()]));
    await pawl.enqueueMany([light, send.job()]);

    expect(refusal).toMatchObject({ code: "PAWL_RATE_LIMIT_WEIGHT" });
    expect(await countJobs(schema)).toBe(2);
  });

  it("is checked against what is stored for its key", async () => {
    const pawl = openPawl(schema);
    await execute(
      `insert into ${schema}.rate_limits (key, capacity, interval_ms) values ('stored', 5, 1000)`,
    );

    await pawl.enqueue(plain, undefined, { rateLimit: { key: "stored", weight: 5 } });
    const refusal = await rejectionOf(
      pawl.enqueue(plain, undefined, { rateLimit: { key: "stored", weight: 6 } }),
    );

    expect(refusal).toMatchObject({ code: "PAWL_RATE_LIMIT_WEIGHT" });
  });
});

describe("flags", () => {
  it("come from the task, or from the enqueue instead", async () => {
    const pawl = openPawl(schema);
    const flagged = defineTask({ name: "flagged", flags: ["eu", "slow", "eu"] });

    await pawl.enqueue(flagged);
    await pawl.enqueue(flagged, undefined, { flags: ['"us", {x}'] });
    await pawl.enqueue(flagged, undefined, { flags: [] });

    const rows = await keyedJobs();
    expect(rows.map(({ flags }) => flags)).toEqual([["eu", "slow"], ['"us", {x}'], null]);
    expect(rows.map(({ state }) => state)).toEqual(["ready", "ready", "ready"]);
    expect(await arrivals()).toEqual([]);
  });
});

describe("a key made of the payload", () => {
  it.each([
    ["throws", () => JSON.parse("{") as unknown],
    ["returns nothing", () => undefined],
    ["returns an empty text", () => ""],
    ["returns a NUL", () => "\0"],
    ["returns 256 bytes", () => "x".repeat(256)],
  ])("is refused when its function %s", async (_, key) => {
    const pawl = openPawl(schema);
    const members = ["concurrency", "rateLimit", "unique"] as const;

    for (const member of members) {
      const task = defineTask({ name: "bad", [member]: { key: key as () => string } });
      const refusal = await rejectionOf(pawl.enqueue(task));
      expect(refusal).toMatchObject({ name: "OptionError", option: `${member}.key` });
    }
    expect(await countJobs(schema)).toBe(0);
  });

  it("is not the first to complain of a payload that does not match the schema", async () => {
    const pawl = openPawl(schema);

    const refusal = await rejectionOf(pawl.enqueue(order, null as never));

    expect(refusal).toMatchObject({ code: "PAWL_PAYLOAD_INVALID" });
  });
});

describe("options that do not go together", () => {
  const refused: [string, EnqueueOptions, string][] = [
    ["a limit without a key", { concurrency: { limit: 2 } }, "concurrency.key"],
    ["a weight without a key", { rateLimit: { weight: 2 } }, "rateLimit.key"],
    ["a capacity alone", { rateLimit: { key: "k", capacity: 2 } }, "rateLimit"],
    ["an interval alone", { rateLimit: { key: "k", interval: 2 } }, "rateLimit"],
    ["a mode alone", { rateLimit: { key: "k", mode: "sliding" } }, "rateLimit"],
    [
      "a weight above the capacity",
      { rateLimit: { key: "k", weight: 3, capacity: 2, interval: 1 } },
      "rateLimit.weight",
    ],
    ["a mode without a key", { unique: { mode: "replace" } }, "unique.key"],
    ["throttle without a wait", { unique: { key: "k", mode: "throttle" } }, "unique.wait"],
    ["keep with a wait", { unique: { key: "k", wait: "1s" } }, "unique.wait"],
    ["debounce without a delay", { unique: { key: "k", mode: "debounce" } }, "delay"],
  ];

  it.each(refused)("are refused: %s", async (_, options, option) => {
    const pawl = openPawl(schema);

    const refusal = await rejectionOf(pawl.enqueue(plain, undefined, options));

    expect(refusal).toMatchObject({ code: "PAWL_OPTION_INVALID", option });
    expect(await countJobs(schema)).toBe(0);
  });
});

function keyedJobs(): Promise<KeyedRow[]> {
  return execute<KeyedRow>(
    `select id::text, state, concurrency_key, concurrency_limit, concurrency_order::integer, rate_limit_key,
            rate_limit_weight, flags
       from ${schema}.jobs
      order by id`,
  );
}

function arrivals(): Promise<Record<string, unknown>[]> {
  return execute(`select * from ${schema}.arrivals order by concurrency_key`);
}

async function transactions(): Promise<number> {
  const rows = await execute(`select distinct xmin::text from ${schema}.jobs`);
  return rows.length;
}
