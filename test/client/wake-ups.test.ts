import { defineTask } from "pawl";
import type { Client } from "pg";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import {
  beginTransaction,
  connectClient,
  migratedSchema,
  openPawl,
  startWorker,
} from "../support/producer.ts";

const note = defineTask({ name: "note", payload: z.string() });
let schema: string;
let listener: Listener;

beforeEach(async () => {
  schema = await migratedSchema();
  listener = await listen(schema);
});

describe("a wake-up", () => {
  it("is not sent when there is no worker", async () => {
    const pawl = openPawl(schema);

    await pawl.enqueue(note, "a");
    await pawl.enqueueMany([note.job("b"), note.job("c", { id: crypto.randomUUID() })]);
    await execute(`select ${schema}.enqueue('note')`);

    expect(await listener.received()).toEqual([]);
  });

  it.each([
    ["is busy", "false", "null"],
    ["has ended", "true", "now()"],
  ])("is not sent when the only worker %s", async (_, idle, endedAt) => {
    const pawl = openPawl(schema);
    await addWorker(schema, idle, endedAt);

    await pawl.enqueue(note, "a");

    expect(await listener.received()).toEqual([]);
  });

  it("is sent for a plain enqueue when a worker has asked", async () => {
    const pawl = openPawl(schema);
    await addWorker(schema);

    await pawl.enqueue(note, "a");

    expect(await listener.received()).toEqual(["ready"]);
  });

  it.each([
    ["in a while", { delay: "1m" }],
    ["at a time", { runAt: new Date(Date.now() + 60_000) }],
  ] as const)("says that there is more news for a job that is due %s", async (_, options) => {
    const pawl = openPawl(schema);
    await addWorker(schema);

    await pawl.enqueue(note, "a", options);
    await pawl.enqueueMany([note.job("a"), note.job("b", options)]);

    expect(await listener.received()).toEqual([schema, schema]);
  });

  it("is sent once for many jobs", async () => {
    const pawl = openPawl(schema);
    await addWorker(schema);

    await pawl.enqueueMany(Array.from({ length: 100 }, () => note.job("a")));

    expect(await listener.received()).toEqual(["ready"]);
  });

  it("is sent for an id of the caller's, and by the SQL function", async () => {
    const pawl = openPawl(schema);
    await addWorker(schema);

    await pawl.enqueue(note, "a", { id: crypto.randomUUID() });
    await execute(`select ${schema}.enqueue('note')`);

    expect(await listener.received()).toEqual([schema, schema]);
  });

  it("is sent by the commit of the caller's transaction", async () => {
    const pawl = openPawl(schema);
    await addWorker(schema);
    const client = await beginTransaction();
    await pawl.enqueue(note, "a", { db: client });

    const before = await listener.received();
    await client.query("commit");

    expect(before).toEqual([]);
    expect(await listener.received()).toEqual(["ready"]);
  });

  it("is not sent when the caller's transaction rolls back", async () => {
    const pawl = openPawl(schema);
    await addWorker(schema);
    const client = await beginTransaction();
    await pawl.enqueue(note, "a", { db: client });

    await client.query("rollback");

    expect(await listener.received()).toEqual([]);
  });

  it("is not sent to the workers of another schema", async () => {
    const other = await migratedSchema();
    await addWorker(schema);
    await addWorker(other);

    await openPawl(other).enqueue(note, "a");

    expect(await listener.received()).toEqual([]);
  });

  it("starts a job long before the worker would have looked", async () => {
    const pawl = openPawl(schema);
    await startWorker(pawl, { pollInterval: "1h", handlers: [note.handle(() => undefined)] });
    await eventually(async () => (await execute(`select from ${schema}.workers where idle`))[0]);

    const { job } = await pawl.enqueue(note, "a");

    await eventually(async () => (await pawl.history.attempts(job)).length === 1, {
      within: 10_000,
    });
  });
});

/** Hears the wake-ups of a schema. */
class Listener {
  readonly #client: Client;
  readonly #schema: string;
  #heard: string[] = [];
  #marks = 0;

  constructor(client: Client, channel: string) {
    this.#client = client;
    this.#schema = channel;
    client.on("notification", ({ payload = "", channel: sender }) => {
      this.#heard.push(payload === "" ? sender : payload);
    });
  }

  /** What was heard since the last time: notifications come in the order of commits, so a mark of our own comes last. */
  async received(): Promise<string[]> {
    this.#marks += 1;
    const mark = `mark ${this.#marks}`;
    await execute("select pg_notify($1, $2)", [this.#schema, mark]);
    await eventually(async () => {
      await this.#client.query("select");
      return this.#heard.includes(mark);
    });
    return this.#heard.splice(0).filter((heard) => heard !== mark);
  }
}

async function listen(channel: string): Promise<Listener> {
  const client = await connectClient();
  const listening = new Listener(client, channel);
  await client.query(`listen ${channel}`);
  return listening;
}

async function addWorker(name: string, idle = "true", endedAt = "null"): Promise<void> {
  await execute(
    `insert into ${name}.workers (id, lease_ms, concurrency, pid, idle, ended_at, name, host, version, tasks, transactional,
       transaction_slots)
     values (gen_random_uuid(), 10000, 1, 1, ${idle}, ${endedAt}, 'w', 'h', '1', '{}', '{}', 1)`,
  );
}
