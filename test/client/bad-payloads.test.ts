import { defineTask, OptionError, PawlError, PayloadError, typed, type Pawl } from "pawl";
import * as valibot from "valibot";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { execute } from "../support/database.ts";
import {
  beginTransaction,
  countJobs,
  jobsIn,
  migratedSchema,
  openPawl,
  rejectionOf,
} from "../support/producer.ts";

const anything = defineTask({ name: "anything", payload: typed<unknown>() });
const cycle: { self?: unknown } = {};
cycle.self = [cycle];
let schema: string;
let pawl: Pawl;

beforeAll(async () => {
  schema = await migratedSchema();
});

beforeEach(async () => {
  // Nothing here should have written anything; what did must not fail the next test as well.
  await execute(`delete from ${schema}.jobs`);
  pawl = openPawl(schema);
});

describe("a payload that JSON cannot carry", () => {
  const payloads: [string, unknown, string][] = [
    ["a BigInt", 1n, "payload"],
    ["a BigInt deep inside", { user: { ids: [1, 2n] } }, "payload.user.ids[1]"],
    ["a cycle", cycle, "payload.self[0]"],
    ["a Date", { at: new Date(0) }, "payload.at"],
    ["a Map", { map: new Map() }, "payload.map"],
    ["a Set", [new Set()], "payload[0]"],
    ["a function", { run: () => undefined }, "payload.run"],
    ["a symbol", Symbol("s"), "payload"],
    ["not a number", { n: NaN }, "payload.n"],
    ["infinity", -Infinity, "payload"],
    ["a NUL", { text: "a\0b" }, "payload.text"],
    ["half a surrogate pair", ["\ud800"], "payload[0]"],
    ["a NUL in a key", { "a\0": 1 }, "payload"],
    ["undefined in an array", [1, undefined], "payload[1]"],
    ["an instance of a class", { to: new URL("https://example.com").searchParams }, "payload.to"],
    ["a promise", Promise.resolve(1), "payload"],
    ["a hundred levels and one", nested(101), "payload"],
  ];

  it.each(payloads)("is refused by enqueue: %s", async (_, payload, path) => {
    const refusal = await rejectionOf(pawl.enqueue(anything, payload));

    await expectPayloadError(refusal, path);
  });

  it.each(payloads)("is refused by enqueueMany: %s", async (_, payload, path) => {
    const requests = [anything.job("good"), anything.job(payload)];

    const refusal = await rejectionOf(pawl.enqueueMany(requests));

    await expectPayloadError(refusal, path);
  });

  it.each(payloads)("is refused by enqueueByName: %s", async (_, payload, path) => {
    const refusal = await rejectionOf(pawl.enqueueByName("anything", payload));

    await expectPayloadError(refusal, path);
  });

  it("is refused in a transaction, before it has written anything", async () => {
    const db = await beginTransaction();

    const refusal = await rejectionOf(pawl.enqueue(anything, { n: 1n }, { db }));

    await db.query("commit");
    await expectPayloadError(refusal, "payload.n");
  });

  it("never shows itself in the message", async () => {
    const payload = { password: "hunter2\0" };

    const refusal = await rejectionOf(pawl.enqueue(anything, payload));

    expect(String(refusal)).toContain("payload.password");
    expect(String(refusal)).not.toContain("hunter2");
  });
});

describe("a payload that is too large", () => {
  // The quotes of a JSON string count as well.
  it("is refused when it is one byte above the limit", async () => {
    const small = openPawl(schema, { maxPayloadBytes: 20 });

    const refusal = await rejectionOf(small.enqueue(anything, "x".repeat(19)));

    expect(refusal).toBeInstanceOf(PayloadError);
    expect(refusal).toMatchObject({
      code: "PAWL_PAYLOAD_TOO_LARGE",
      path: "payload",
      message: expect.stringMatching(/20 bytes.*got 21/),
    });
    expect(await countJobs(schema)).toBe(0);
  });

  it("is counted in bytes, not in letters", async () => {
    const small = openPawl(schema, { maxPayloadBytes: 20 });

    const refusal = await rejectionOf(small.enqueue(anything, "漢".repeat(7)));

    expect(refusal).toMatchObject({ code: "PAWL_PAYLOAD_TOO_LARGE" });
    expect(await countJobs(schema)).toBe(0);
  });

  it("is refused above 1 MiB unless told otherwise", async () => {
    const refusal = await rejectionOf(pawl.enqueue(anything, "x".repeat(1_048_575)));

    expect(refusal).toMatchObject({ code: "PAWL_PAYLOAD_TOO_LARGE" });
    expect(await countJobs(schema)).toBe(0);
  });

  it("is taken when it is as large as it may be", async () => {
    const other = await migratedSchema();
    const atLimit = openPawl(other);

    await atLimit.enqueue(anything, "x".repeat(1_048_574));

    const [job] = await jobsIn(other);
    expect(String(job?.payload)).toHaveLength(1_048_574);
  });
});

describe("a payload that its schema refuses", () => {
  const user = z.object({ name: z.string(), tags: z.array(z.string()) });

  it.each([
    ["zod", user],
    ["valibot", valibot.object({ name: valibot.string(), tags: valibot.array(valibot.string()) })],
  ])("is refused with the path of every issue of %s", async (_, payload) => {
    const task = defineTask({ name: "task", payload });

    const refusal = await rejectionOf(pawl.enqueue(task, { tags: ["a", 1] } as never));

    expect(refusal).toBeInstanceOf(PayloadError);
    expect(refusal).toMatchObject({
      code: "PAWL_PAYLOAD_INVALID",
      path: "payload.name",
      issues: [{ path: "payload.name" }, { path: "payload.tags[1]" }],
      message: expect.stringContaining("payload.tags[1]"),
    });
    expect(await countJobs(schema)).toBe(0);
  });

  it("is refused by each way to enqueue", async () => {
    const task = defineTask({ name: "task", payload: user });
    const knowing = openPawl(schema, { tasks: [task] });
    const bad = { name: 1 } as never;

    const refusals = await Promise.all([
      rejectionOf(knowing.enqueue(task, bad)),
      rejectionOf(knowing.enqueue("task", bad)),
      rejectionOf(knowing.enqueueByName("task", bad)),
      rejectionOf(knowing.enqueueMany([task.job(bad)])),
    ]);

    expect(refusals).toMatchObject(Array(4).fill({ code: "PAWL_PAYLOAD_INVALID" }));
    expect(await countJobs(schema)).toBe(0);
  });
});

describe("a serializer that fails", () => {
  it.each([
    ["throws", () => fail()],
    ["gives no text", () => undefined],
    ["gives text that is no JSON", () => "{"],
    ["gives an empty text", () => ""],
    ["gives a NUL in disguise", () => '"\\u0000"'],
    ["gives half a surrogate pair in disguise", () => '"\\ud800"'],
    ["gives two values", () => "1,2"],
  ])("fails the call alone when it %s", async (_, serialize) => {
    const serializer = { serialize: serialize as () => string, deserialize: JSON.parse };
    const other = openPawl(schema, { serializer });

    const refusal = await rejectionOf(other.enqueue(anything, "a"));

    expect(refusal).toBeInstanceOf(PayloadError);
    expect(refusal).toMatchObject({ code: "PAWL_PAYLOAD_INVALID", path: "payload" });
    expect(await countJobs(schema)).toBe(0);
  });
});

describe("errors", () => {
  it("are all of one family", async () => {
    const refusals = await Promise.all([
      rejectionOf(pawl.enqueue(anything, 1n)),
      rejectionOf(pawl.enqueue(anything, 1, { queue: "" })),
      rejectionOf(pawl.enqueue("unknown" as never)),
    ]);

    expect(refusals.map((refusal) => refusal instanceof PawlError)).toEqual([true, true, true]);
    expect(refusals[1]).toBeInstanceOf(OptionError);
  });
});

async function expectPayloadError(refusal: unknown, path: string): Promise<void> {
  expect(refusal).toBeInstanceOf(PayloadError);
  expect(refusal).toMatchObject({
    name: "PayloadError",
    code: "PAWL_PAYLOAD_INVALID",
    path: expect.stringMatching(path === "payload" ? /^payload/ : exactly(path)),
    message: expect.stringMatching(/expected .*, got /),
  });
  expect(await countJobs(schema)).toBe(0);
}

function exactly(text: string): RegExp {
  return new RegExp(`^${text.replace(/[[\].]/g, "\\$&")}$`);
}

function nested(depth: number): unknown {
  return depth === 0 ? "bottom" : [nested(depth - 1)];
}

function fail(): never {
  throw new Error("on purpose");
}
