import { defineTask, Pawl, typed } from "pawl";
import { pgDatabase } from "pawl/pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { freshPawl, startUnluckyWorker, startWorker } from "../fixtures/fresh-pawl.ts";
import { endListener, listenerOf, namedUrl, untilWished } from "../fixtures/sessions.ts";
import { databaseUrl, execute, withClient } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import { intercepted, recorder } from "../support/intercepted-database.ts";
import { connectClient } from "../support/producer.ts";

const note = defineTask({ name: "note", payload: typed<number>() });
// Far above what a wake-up takes, and far below the pause of a worker that is not woken.
const pollInterval = "1m";
const soonMs = 8_000;

/** What a handler notes: which job, and when. */
class Notes {
  readonly all: { readonly payload: number; readonly at: number }[] = [];
  readonly handlers = [
    note.handle(({ payload }) => void this.all.push({ payload, at: performance.now() })),
  ];

  /** How long after a moment the handler of this payload started. */
  async startedAfter(moment: number, payload: number): Promise<number> {
    const noted = await eventually(() => this.all.find((each) => each.payload === payload), {
      within: 15_000,
    });
    return noted.at - moment;
  }
}

/** Every notification on a schema's channel while the work goes on. */
async function notificationsDuring(schema: string, work: () => Promise<unknown>): Promise<number> {
  const client = await connectClient();
  const payloads: (string | undefined)[] = [];
  client.on("notification", ({ payload }) => payloads.push(payload));
  await client.query(`listen "${schema}"`);
  await work();
  // Notifications come in the order of their commits.
  await execute(`notify "${schema}", 'end'`);
  await eventually(() => payloads.includes("end"));
  return payloads.indexOf("end");
}

/** A Pawl whose only worker waits for jobs and looks for them every minute. */
async function idlePawl(notes: Notes): Promise<Pawl> {
  const pawl = await freshPawl();
  await startWorker(pawl, { handlers: notes.handlers, pollInterval });
  await untilWished(pawl.schema);
  return pawl;
}

describe("an idle worker", () => {
  it("starts a job at once when it is enqueued, again and again", async () => {
    const notes = new Notes();
    const pawl = await idlePawl(notes);
    const latencies: number[] = [];

    for (let payload = 0; payload < 30; payload++) {
      const moment = performance.now();
      await pawl.enqueue(note, payload);
      latencies.push(await notes.startedAfter(moment, payload));
    }

    latencies.sort((a, b) => a - b);
    expect(latencies[15]).toBeLessThan(200);
    expect(latencies[29]).toBeLessThan(soonMs);
  });

  it("is woken by a commit, not by a write that is not committed", async () => {
    const notes = new Notes();
    const pawl = await idlePawl(notes);

    const moment = await withClient(async (client) => {
      await client.query("begin");
      await pawl.enqueue(note, 1, { db: client });
      await client.query("select pg_sleep(0.5)");
      const committed = performance.now();
      await client.query("commit");
      return committed;
    });

    const latency = await notes.startedAfter(moment, 1);
    expect(latency).toBeGreaterThan(0);
    expect(latency).toBeLessThan(soonMs);
  });

  it.each([
    ["another process's Pawl", (schema: string) => enqueueElsewhere(schema)],
    [
      "the function for SQL",
      (schema: string) => execute(`select "${schema}".enqueue('note', '7')`),
    ],
  ])("is woken by %s", async (_, enqueue) => {
    const notes = new Notes();
    const pawl = await idlePawl(notes);

    const moment = performance.now();
    await enqueue(pawl.schema);

    expect(await notes.startedAfter(moment, 7)).toBeLessThan(soonMs);
  });

  it("finds a job soon whose transaction was open while it went idle", async () => {
    const notes = new Notes();
    const pawl = await freshPawl();
    const busy = gate();
    const hold = defineTask({ name: "hold" });
    const handlers = [...notes.handlers, hold.handle(() => busy.opened)];
    await startWorker(pawl, { handlers, pollInterval, concurrency: 1 });
    await untilWished(pawl.schema);
    await pawl.enqueue(hold);
    await untilWished(pawl.schema, false);

    const moment = await withClient(async (client) => {
      await client.query("begin");
      await pawl.enqueue(note, 1, { db: client });
      busy.open();
      await untilWished(pawl.schema);
      const committed = performance.now();
      await client.query("commit");
      return committed;
    });

    expect(await notes.startedAfter(moment, 1)).toBeLessThan(soonMs);
  });

  it("looks about four times a second where it cannot be woken", async () => {
    const { texts, intercept } = recorder();
    const database = intercepted(pgDatabase(databaseUrl()), intercept);
    const deaf = { listen: () => Promise.reject(new Error("no LISTEN here")) };
    const dedicated = (count: number) => ({ ...database.dedicated(count), ...deaf });
    onTestFinished(() => database.close());
    const notes = new Notes();
    const pawl = await freshPawl({ ...database, ...deaf, dedicated });
    await startUnluckyWorker(pawl, { handlers: notes.handlers, pollInterval, queues: ["q"] });
    const claims = (): number => texts.filter((text) => text.includes("claim_jobs")).length;
    await eventually(() => claims() > 12);

    const moment = performance.now();
    await pawl.enqueue(note, 1, { queue: "q" });

    expect(await notes.startedAfter(moment, 1)).toBeLessThan(soonMs);
  });
});

describe("when the listening session is lost", () => {
  it("the worker finds jobs all the same, and listens again", async () => {
    const notes = new Notes();
    const { schema } = await freshPawl();
    const pawl = await freshPawl(namedUrl(schema));
    const worker = await startUnluckyWorker(pawl, { handlers: notes.handlers, pollInterval });
    await untilWished(pawl.schema);
    const before = await listenerOf(schema);

    await endListener(schema);
    const moment = performance.now();
    await pawl.enqueue(note, 1);
    const withoutMs = await notes.startedAfter(moment, 1);
    const after = await eventually(() => listenerOf(schema));
    await untilWished(pawl.schema);
    const later = performance.now();
    await pawl.enqueue(note, 2);
    const againMs = await notes.startedAfter(later, 2);

    expect(withoutMs).toBeLessThan(soonMs);
    expect(after).not.toBe(before);
    expect(againMs).toBeLessThan(soonMs);
    expect(worker.errors).toMatchObject([{ code: "PAWL_DATABASE_UNAVAILABLE" }]);
  });
});

describe("a notification", () => {
  it("is not sent when no worker wishes to be woken", async () => {
    const pawl = await freshPawl();

    const sent = await notificationsDuring(pawl.schema, () => pawl.enqueue(note, 1));

    expect(sent).toBe(0);
  });

  it("is not sent while the only worker is busy", async () => {
    const pawl = await freshPawl();
    const busy = gate();
    const holding = note.handle(() => busy.opened);
    await startWorker(pawl, { handlers: [holding], concurrency: 1 });
    await untilWished(pawl.schema);
    await pawl.enqueue(note, 1);
    await untilWished(pawl.schema, false);

    const sent = await notificationsDuring(pawl.schema, () => pawl.enqueue(note, 2));

    busy.open();
    expect(sent).toBe(0);
  });

  it("is not sent to a worker that has stopped", async () => {
    const pawl = await freshPawl();
    const worker = await startWorker(pawl, { handlers: new Notes().handlers });
    await untilWished(pawl.schema);
    await worker.stop();

    const sent = await notificationsDuring(pawl.schema, () => pawl.enqueue(note, 1));

    expect(sent).toBe(0);
  });

  it("is sent once for a bulk enqueue", async () => {
    const pawl = await idlePawl(new Notes());

    const sent = await notificationsDuring(pawl.schema, () =>
      pawl.enqueueMany(Array.from({ length: 500 }, (_, n) => note.job(n))),
    );

    expect(sent).toBe(1);
  });

  it("is not sent when the enqueue is rolled back", async () => {
    const pawl = await idlePawl(new Notes());

    const sent = await notificationsDuring(pawl.schema, () =>
      withClient(async (client) => {
        await client.query("begin");
        await pawl.enqueue(note, 1, { db: client });
        await client.query("rollback");
      }),
    );

    expect(sent).toBe(0);
  });
});

describe("the wish to be woken", () => {
  it("changes at most once a second, however often the worker goes idle", async () => {
    const pawl = await freshPawl();
    const { schema } = pawl;
    await execute(`create table "${schema}".wishes (at timestamptz default clock_timestamp())`);
    await execute(
      `create function "${schema}".note_wish() returns trigger language plpgsql as
         'begin insert into "${schema}".wishes default values; return null; end'`,
    );
    await execute(
      `create trigger wish after update on "${schema}".workers
          for each row when (old.idle is distinct from new.idle) execute function "${schema}".note_wish()`,
    );
    const notes = new Notes();
    const startedAt = performance.now();
    await startWorker(pawl, { handlers: notes.handlers, concurrency: 5 });

    const until = performance.now() + 3_500;
    for (let count = 0; performance.now() < until;) {
      await pawl.enqueueMany(Array.from({ length: 200 }, (_, n) => note.job(n)));
      count += 200;
      await eventually(() => notes.all.length === count, { within: 15_000 });
    }

    const [row] = await execute<{ changes: number; shortest: number | null }>(
      `select count(*)::int as changes, (min(extract(epoch from pause)) * 1000)::float8 as shortest
         from (select at - lag(at) over (order by at) as pause from "${schema}".wishes) as pauses`,
    );
    expect(row?.changes).toBeLessThanOrEqual(1 + (performance.now() - startedAt) / 1_000);
    expect(row?.shortest ?? 1_000).toBeGreaterThan(900);
  });
});

async function enqueueElsewhere(schema: string): Promise<void> {
  const elsewhere = new Pawl({ database: databaseUrl(), schema });
  await elsewhere.enqueue(note, 7);
  await elsewhere.close();
}
