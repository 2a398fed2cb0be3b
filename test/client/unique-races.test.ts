import { defineTask, type UniqueMode } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { pgDatabase } from "pawl/pg";
import { z } from "zod";
import { databaseUrl, execute } from "../support/database.ts";
import {
  beginTransaction,
  connectClient,
  countJobs,
  jobsIn,
  migratedSchema,
  openPawl,
} from "../support/producer.ts";
import { mentions, startTcpProxy } from "../support/tcp-proxy.ts";

const note = defineTask({ name: "note", payload: z.string() });
const modes: readonly UniqueMode[] = [
  ...(["keep", "replace", "debounce", "throttle", "keepRunningAndOneWaiting"] as const),
];
// The last two differ in UTF-16, where a surrogate comes before U+FFFD, and in bytes.
const keys = ["a", "b", "c", "Ž", "\ufffd", "😀"];
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

function jobWith(payload: string, key: string, mode: UniqueMode) {
  const wait = mode === "throttle" || mode === "debounce" ? { wait: "1h" } : {};
  return note.job(payload, { delay: "1h", unique: { key, mode, ...wait } });
}

describe("calls with unique keys at the same time", () => {
  it.each(modes)(
    "leave one job for a key, and never a deadlock, whatever their order: %s",
    async (mode) => {
      const pawl = openPawl(schema);
      const random = randomFrom(mode.length);
      const batches = Array.from({ length: 80 }, (_, call) => {
        const some = Array.from({ length: 12 }, () => keys[Math.floor(random() * keys.length)]);
        return some.map((key = "a", place) => jobWith(`${call}.${place}`, key, mode));
      });

      // In the user's own transactions nothing is tried again: a deadlock would reject.
      const answers = await Promise.all(
        Array.from({ length: 4 }, async (_, turn) => {
          const client = await connectClient();
          const all = [];
          for (const batch of batches.filter((__, call) => call % 4 === turn)) {
            await client.query("begin");
            all.push(...(await pawl.enqueueMany(batch, { db: client })));
            await client.query("commit");
          }
          return all;
        }),
      );

      const results = answers.flat();
      const created = results.filter(({ outcome }) => outcome === "created");
      const ids = (await jobsIn(schema)).map(({ id }) => id);
      expect(created.map(({ job }) => job.id).sort()).toEqual(ids);
      expect(ids).toHaveLength(keys.length);
      expect(new Set(results.map(({ job }) => job.id))).toEqual(new Set(ids));
      const others = mode === "replace" || mode === "debounce" ? "replaced" : "kept";
      expect(results.filter(({ outcome }) => outcome === others)).toHaveLength(
        results.length - created.length,
      );
    },
    60_000,
  );

  it("meet their keys in one order across the statements of a large call", async () => {
    // On a busy machine, one call waits for long until the other is done.
    const open = () =>
      openPawl(schema, { database: pgDatabase(databaseUrl(), { queryTimeout: "60s" }) });
    const pawl = open();
    const client = await beginTransaction();
    const names = Array.from({ length: 12_000 }, (_, index) => `key ${index}`);
    const forward = names.map((key) => jobWith("1", key, "replace"));
    const backward = [...forward].reverse();

    const [first, second] = await Promise.all([
      pawl.enqueueMany(forward, { db: client }).then(async (results) => {
        await client.query("commit");
        return results;
      }),
      open().enqueueMany(backward),
    ]);

    const sameJobs = second.map(({ job }) => job.id).reverse();
    expect(first.map(({ job }) => job.id)).toEqual(sameJobs);
    expect(await countJobs(schema)).toBe(12_000);
  }, 120_000);

  it("answer for the last of those that replace", async () => {
    const pawl = openPawl(schema);
    const requests = Array.from({ length: 500 }, (_, index) => jobWith(`${index}`, "k", "replace"));

    const results = await pawl.enqueueMany(requests);

    expect(results.map(({ outcome }) => outcome)).toEqual([
      "created",
      ...Array.from({ length: 499 }, () => "replaced"),
    ]);
    expect(await jobsIn(schema)).toMatchObject([{ payload: "499" }]);
  });
});

describe("a call with a unique key whose reply is lost", () => {
  it.each(modes)("answers as the first try would have: %s", async (mode) => {
    const proxy = await startTcpProxy(databaseUrl());
    const pawl = openPawl(schema, { database: proxy.url });
    const cut = proxy.cutReplyTo(mentions("marked"));

    const [result] = await pawl.enqueueMany([jobWith("marked", "k", mode)]);

    await cut;
    expect(result?.outcome).toBe("created");
    expect(await jobsIn(schema)).toMatchObject([{ id: result?.job.id, payload: "marked" }]);
  });

  it("finds its own job also when that has run", async () => {
    const proxy = await startTcpProxy(databaseUrl());
    const pawl = openPawl(schema, { database: proxy.url });
    await execute(
      `create function ${schema}.finish() returns trigger language plpgsql as $$
       begin
         insert into ${schema}.history
           (id, created_at, run_at, finished_at, expires_at, attempt, final, queue, task, outcome)
         values (new.id, now(), now(), now(), now() + interval '30 days', 1, true, new.queue, new.task, 'succeeded');
         delete from ${schema}.jobs where id = new.id;
         return null;
       end $$`,
    );
    await execute(
      `create trigger finish after insert on ${schema}.jobs for each row execute function ${schema}.finish()`,
    );
    const cut = proxy.cutReplyTo(mentions("marked"));

    const { outcome } = await pawl.enqueue(note, "marked", { unique: { key: "k" } });

    await cut;
    expect(outcome).toBe("created");
    const rows = await execute(`select distinct id from ${schema}.history`);
    expect(rows).toHaveLength(1);
  });
});

/** The same numbers on every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
