import { defineTask, PayloadError } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { countJobs, migratedSchema, openPawl, rejectionOf } from "../support/producer.ts";

const note = defineTask({ name: "note", payload: z.object({ text: z.string() }) });
const bare = defineTask({ name: "bare" });
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("an application's own check", () => {
  it("sees the task and the payload of every enqueue, and lets through what it has nothing against", async () => {
    const seen: unknown[] = [];
    const pawl = openPawl(schema, { validate: (task, payload) => void seen.push([task, payload]) });

    await pawl.enqueue(note, { text: "a" });
    await pawl.enqueueMany([bare.job(), note.job({ text: "b" })]);
    await pawl.enqueueByName("unknown", 5);

    expect(seen).toEqual([
      ...[
        ["note", { text: "a" }],
        ["bare", undefined],
        ["note", { text: "b" }],
      ],
      ["unknown", 5],
    ]);
    expect(await countJobs(schema)).toBe(4);
  });

  it("refuses with the paths of what it finds, before the task's schema", async () => {
    const pawl = openPawl(schema, {
      validate: () =>
        Promise.resolve([{ path: ["tags", 2], message: "is secret" }, { message: "no" }]),
    });

    const refusal = await rejectionOf(pawl.enqueue(note, { text: 1 } as never));

    expect(refusal).toBeInstanceOf(PayloadError);
    expect(refusal).toMatchObject({
      code: "PAWL_PAYLOAD_INVALID",
      path: "payload.tags[2]",
      issues: [
        { path: "payload.tags[2]", message: "is secret" },
        { path: "payload", message: "no" },
      ],
    });
    expect(await countJobs(schema)).toBe(0);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("too secret");
      },
    ],
    ["rejects", () => Promise.reject(new Error("too secret"))],
  ])("refuses when it %s, and keeps the cause", async (_, validate) => {
    const pawl = openPawl(schema, { validate });

    const refusal = await rejectionOf(pawl.enqueueMany([note.job({ text: "a" }), bare.job()]));

    expect(refusal).toMatchObject({
      name: "PayloadError",
      message: expect.stringMatching(/jobs\[0\].*too secret/),
      issues: [{ path: "payload", message: "too secret" }],
      cause: { cause: { message: "too secret" } },
    });
    expect(await countJobs(schema)).toBe(0);
  });

  it("says so when it returns something else", async () => {
    const pawl = openPawl(schema, { validate: () => false as never });

    const refusal = await rejectionOf(pawl.enqueue(bare));

    expect(refusal).toMatchObject({ name: "OptionError", option: "validate" });
    expect(await countJobs(schema)).toBe(0);
  });
});
