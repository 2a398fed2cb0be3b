import { defineTask, Pawl } from "pawl";
import { pgDatabase } from "pawl/pg";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { databaseUrl, execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import {
  countJobs,
  historyOf,
  jobsIn,
  migratedSchema,
  onlyJobIn,
  openPawl,
  rejectionOf,
  startWorker,
} from "../support/producer.ts";
import { mentions, startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const note = defineTask({ name: "note", payload: z.string() });
const patience = { within: 15_000 };
// For tests that begin anew for each place where something can go wrong.
const sweep = { timeout: 90_000 };
const id = "0190a5d0-1234-7abc-8def-00000000000a";
let schema: string;
let proxy: TcpProxy;

beforeEach(async () => {
  schema = await migratedSchema();
  proxy = await startTcpProxy();
});

describe("an enqueue whose reply is lost", () => {
  it("resolves, and there is one job", async () => {
    const pawl = openPawl(schema, { database: proxy.url });
    const cut = proxy.cutReplyTo(mentions("marked"));

    const { job, outcome } = await pawl.enqueue(note, "marked");

    await cut;
    expect(outcome).toBe("created");
    expect(await onlyJobIn(schema)).toMatchObject({ id: job.id, payload: "marked" });
  });

  it("resolves also on a connection that has been used before", async () => {
    const pawl = openPawl(schema, { database: proxy.url });
    await pawl.enqueue(note, "before");
    const cut = proxy.cutReplyTo(mentions("marked"));

    await pawl.enqueue(note, "marked");

    await cut;
    expect((await jobsIn(schema)).map(({ payload }) => payload)).toEqual(["before", "marked"]);
  });

  it("resolves when it happens again and again", async () => {
    const pawl = openPawl(schema, { database: proxy.url });
    const cuts = [1, 2, 3].map(() => proxy.cutReplyTo(mentions("marked")));

    await pawl.enqueue(note, "marked");

    await Promise.all(cuts);
    expect(await countJobs(schema)).toBe(1);
  });

  it("resolves for every call that shared the statement", async () => {
    const pawl = openPawl(schema, { database: proxy.url });
    const cut = proxy.cutReplyTo(mentions("marked"));
    const payloads = Array.from({ length: 100 }, (_, index) => `marked ${index}`);

    const results = await Promise.all(payloads.map((payload) => pawl.enqueue(note, payload)));

    await cut;
    const rows = await jobsIn(schema);
    expect(rows.map((row) => row.id)).toEqual(results.map(({ job }) => job.id));
    expect(rows.map(({ payload }) => payload)).toEqual(payloads);
  });

  it("resolves for many at once", async () => {
    const pawl = openPawl(schema, { database: proxy.url });
    const cut = proxy.cutReplyTo(mentions("marked"));

    const results = await pawl.enqueueMany([note.job("marked"), note.job("b"), note.job("c")]);

    await cut;
    expect(results.map(({ outcome }) => outcome)).toEqual(["created", "created", "created"]);
    expect(await countJobs(schema)).toBe(3);
  });

  it("resolves for more than one statement takes, when it is the commit's", async () => {
    const pawl = openPawl(schema, { database: proxy.url });
    const cut = proxy.cutReplyTo(mentions("commit\0"));
    const requests = Array.from({ length: 10_001 }, (_, index) => note.job(String(index)));

    const results = await pawl.enqueueMany(requests);

    await cut;
    expect((await jobsIn(schema)).map((row) => row.id)).toEqual(results.map(({ job }) => job.id));
  });

  it("resolves for an id of the caller's, when it is the commit's", async () => {
    const pawl = openPawl(schema, { database: proxy.url });
    const cut = proxy.cutReplyTo(mentions("commit\0"));

    const { job } = await pawl.enqueue(note, "marked", { id });

    await cut;
    expect(job).toMatchObject({ id, task: "note" });
    expect(await onlyJobIn(schema)).toMatchObject({ id, payload: "marked" });
  });

  it("resolves when the connection falls silent instead", async () => {
    // Time enough for the server to do what it is asked, or nothing has been swallowed.
    const database = pgDatabase(proxy.url, { queryTimeout: "5s" });
    onTestFinished(() => database.close());
    const pawl = openPawl(schema, { database });
    const swallowed = proxy.swallowReplyTo(mentions("marked"));

    const { outcome } = await pawl.enqueue(note, "marked");

    await swallowed;
    expect(outcome).toBe("created");
    expect(await countJobs(schema)).toBe(1);
  });

  it("does not run the job a second time when it ran in the meantime", async () => {
    const pawl = openPawl(schema, { database: proxy.url });
    const seen: string[] = [];
    await startWorker(openPawl(schema), {
      handlers: [note.handle(({ payload }) => seen.push(payload))],
    });
    const cut = proxy.cutReplyTo(mentions("marked"));
    const enqueued = pawl.enqueue(note, "marked");
    await cut;
    proxy.refuse();
    await eventually(async () => (await historyOf(schema)).length === 1, patience);
    proxy.accept();

    await enqueued;
    await pawl.enqueue(note, "another");

    await eventually(async () => (await historyOf(schema)).length === 2, patience);
    expect(seen).toEqual(["marked", "another"]);
    expect(await countJobs(schema)).toBe(0);
  });

  it.each([
    ["", () => ({})],
    [" and the id is the caller's", () => ({ id: crypto.randomUUID() })],
  ])("resolves wherever the connection is cut%s, with one job", sweep, async (_, options) => {
    // From the first message of a new connection to behind the last one of the commit.
    const counts = Array.from({ length: 45 }, (__, index) => index + 1);

    for (const count of counts) {
      const pawl = new Pawl({ database: proxy.url, schema });
      proxy.cutAfterServerMessages(count);
      await pawl.enqueue(note, `cut after ${count}`, options());
      proxy.cutAfterServerMessages(Infinity);
      await pawl.close();
    }

    const payloads = (await jobsIn(schema)).map(({ payload }) => payload);
    expect(payloads.sort()).toEqual(counts.map((count) => `cut after ${count}`).sort());
    expect(proxy.connections).toBeGreaterThan(counts.length + 20);
  });
});

describe("an enqueue without a database", () => {
  it("waits for a server that is down when it is first used", async () => {
    proxy.refuse();
    const pawl = openPawl(schema, { database: proxy.url });
    const enqueued = pawl.enqueue(note, "hello");
    await eventually(() => proxy.refusals >= 3, patience);

    proxy.accept();

    expect((await enqueued).outcome).toBe("created");
    expect(await onlyJobIn(schema)).toMatchObject({ payload: "hello" });
  });

  it("waits for a server that goes away for a second", async () => {
    const pawl = openPawl(schema, { database: proxy.url });
    await pawl.enqueue(note, "before");
    proxy.refuse();
    const downSince = performance.now();
    const enqueued = [
      pawl.enqueue(note, "during"),
      pawl.enqueue(note, "own id", { id }),
      pawl.enqueueMany([note.job("one of many"), note.job("another")]),
    ];
    await eventually(() => performance.now() - downSince > 1_000, patience);

    proxy.accept();

    await Promise.all(enqueued);
    expect((await jobsIn(schema)).map(({ payload }) => payload).sort()).toEqual([
      "another",
      "before",
      "during",
      "one of many",
      "own id",
    ]);
  });

  it("gives up after its deadline, with an error of its own", async () => {
    proxy.refuse();
    const pawl = openPawl(schema, { database: proxy.url });
    const now = performance.now.bind(performance);
    const refusal = rejectionOf(pawl.enqueue(note, "hello"));
    await eventually(() => proxy.refusals >= 2, patience);

    const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + 15_001);
    onTestFinished(() => clock.mockRestore());

    expect(await refusal).toMatchObject({
      name: "DatabaseError",
      code: "PAWL_DATABASE_UNAVAILABLE",
    });
    clock.mockRestore();
    expect(await countJobs(schema)).toBe(0);
  });

  it("gives up at once when the Pawl is closed", async () => {
    proxy.refuse();
    const pawl = openPawl(schema, { database: proxy.url });
    const refusals = [
      rejectionOf(pawl.enqueue(note, "hello")),
      rejectionOf(pawl.enqueue(note, "hello", { id })),
    ];
    await eventually(() => proxy.refusals >= 2, patience);
    const before = proxy.refusals;

    await pawl.close();

    for (const refusal of refusals) {
      expect(await refusal).toMatchObject({ code: expect.stringMatching(/^PAWL_/) });
    }
    // At once: with no more than the try that each was at or about to make.
    expect(proxy.refusals - before).toBeLessThanOrEqual(refusals.length);
  });

  it("does not try again what the server has refused", async () => {
    const pawl = openPawl(schema, { database: proxy.url });
    await execute(`alter table ${schema}.jobs add constraint never check (false)`);
    await rejectionOf(pawl.enqueue(note, "warm up"));
    const before = proxy.statements;

    const refusal = await rejectionOf(pawl.enqueue(note, "hello"));

    expect(refusal).toMatchObject({ code: "PAWL_DATABASE_FAILED", cause: { code: "23514" } });
    expect(proxy.statements - before).toBe(1);
  });

  it("does not wait for a database that does not exist", async () => {
    const url = new URL(databaseUrl());
    url.pathname = "/no_such_database";
    const pawl = openPawl(schema, { database: url.href });

    const refusal = await rejectionOf(pawl.enqueue(note, "hello"));

    expect(refusal).toMatchObject({ name: "DatabaseError", cause: { code: "3D000" } });
  });

  it("takes another connection when the server has ended its own", async () => {
    const url = new URL(databaseUrl());
    url.searchParams.set("application_name", schema);
    const pawl = openPawl(schema, { database: url.href });
    await pawl.enqueue(note, "before");
    const ended = await execute(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1",
      [schema],
    );

    const { outcome } = await pawl.enqueue(note, "after");

    expect(ended).toHaveLength(1);
    expect(outcome).toBe("created");
    expect(await countJobs(schema)).toBe(2);
  });
});
