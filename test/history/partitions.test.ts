import { defineTask } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { databaseUrl, execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import {
  beginTransaction,
  connectClient,
  historyOf,
  migratedSchema,
  openPawl,
  rejectionOf,
  startWorker,
} from "../support/producer.ts";

const plain = defineTask({ name: "plain", retry: "none" });
const transactional = defineTask({ name: "transactional", transactional: true, retry: "none" });
const failing = defineTask({ name: "failing", retry: { retries: 1, delays: [0] } });
const handlers = [
  plain.handle(() => undefined),
  transactional.handle(({ tx }) => tx.query("select 1")),
  failing.handle(() => Promise.reject(new Error("on purpose"))),
];
const patience = { within: 12_000 };
let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("the partitions of the history", () => {
  it("are there from the start, for the days in which the first rows expire", async () => {
    const names = await partitions();

    const [day] = await execute<{ days: string[] }>(
      `select array_agg('history_' || to_char((now() at time zone 'UTC')::date + 30 + ahead, 'YYYYMMDD') order by ahead) as days
         from generate_series(0, 2) as ahead`,
    );
    expect(names).toEqual(expect.arrayContaining(day?.days ?? []));
  });

  it("are made by a worker that starts, when they are missing", async () => {
    await dropPartitions();

    await startWorker(openPawl(schema), { handlers });

    await eventually(async () => (await partitions()).length > 0, patience);
  });

  it("hold a day of UTC each, whatever the session's zone and date style", async () => {
    const client = await connectClient();
    await client.query("set timezone = 'Pacific/Kiritimati'");
    await client.query("set datestyle = 'German, DMY'");
    await client.query(`select ${schema}.make_history_partition('2031-02-03'::date)`);

    const [partition] = await execute<{ bounds: string }>(
      `select pg_get_expr(relpartbound, oid) as bounds from pg_class
        where oid = $1::regclass`,
      [`${schema}.history_20310203`],
      utcUrl(),
    );

    expect(partition?.bounds).toBe(
      "FOR VALUES FROM ('2031-02-03 00:00:00+00') TO ('2031-02-04 00:00:00+00')",
    );
  });

  it("may be made again, and by ten at once", async () => {
    const make = (): Promise<unknown> =>
      execute(`select ${schema}.make_history_partition('2031-02-03')`);

    await Promise.all(Array.from({ length: 10 }, make));
    await make();

    expect(await partitions()).toContain("history_20310203");
  });

  it("have the indexes by which a job and what happened are found", async () => {
    await execute(`select ${schema}.make_history_partition('2031-02-03')`);

    const indexes = await execute(
      `select pg_inherits.inhparent::regclass::text as parent
         from pg_index
         join pg_inherits on pg_inherits.inhrelid = pg_index.indexrelid
        where pg_index.indrelid = $1::regclass
        order by 1`,
      [`${schema}.history_20310203`],
    );

    expect(indexes).toEqual([
      { parent: `${schema}.history_finished` },
      { parent: `${schema}.history_job` },
    ]);
  });
});

describe("making a partition", () => {
  it("does not wait for a reader that is idle in its transaction", async () => {
    await readAndIdle();
    const maker = await connectClient();
    await maker.query("set lock_timeout = '1s'");

    await maker.query(`select ${schema}.make_history_partition('2031-02-03')`);

    expect(await partitions()).toContain("history_20310203");
  });

  it("does not wait for a writer that is idle in its transaction", async () => {
    const writer = await beginTransaction();
    await writer.query(insertHistory("now() + interval '30 days'"));
    const maker = await connectClient();
    await maker.query("set lock_timeout = '1s'");

    await maker.query(`select ${schema}.make_history_partition('2031-02-03')`);

    expect(await partitions()).toContain("history_20310203");
  });

  it("lets readers and settles go on before it has committed", async () => {
    const pawl = openPawl(schema);
    await startWorker(pawl, { handlers });
    const maker = await beginTransaction();
    await maker.query(`select ${schema}.make_history_partition('2031-02-03')`);

    await pawl.enqueue(plain);
    await pawl.enqueue(transactional);

    await eventually(async () => (await historyOf(schema)).length === 2, patience);
    expect(maker.getTransactionStatus()).toBe("T");
  });

  it("lets settles go on behind an idle reader", async () => {
    const pawl = openPawl(schema);
    await startWorker(pawl, { handlers });
    await readAndIdle();
    const maker = await beginTransaction();
    await maker.query("set local lock_timeout = '1s'");
    await maker.query(`select ${schema}.make_history_partition('2031-02-03')`);

    await pawl.enqueue(plain);

    await eventually(async () => (await historyOf(schema)).length === 1, patience);
    await maker.query("commit");
    expect(await partitions()).toContain("history_20310203");
  });

  it("gives up a lock that it does not get, rather than hold up the settles behind it", async () => {
    const holder = await beginTransaction();
    await holder.query(`lock table ${schema}.history in share update exclusive mode`);
    const maker = await connectClient();
    const [row] = (await maker.query<{ pid: number }>("select pg_backend_pid() as pid")).rows;
    const writer = await connectClient();
    await writer.query("set lock_timeout = '1s'");
    const made = maker.query(`select ${schema}.make_history_partition('2031-02-03')`);
    const refusal = rejectionOf(made);
    await eventually(async () => {
      const blocked = await execute(
        "select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'",
        [row?.pid],
      );
      return blocked.length === 1;
    }, patience);

    // While it waits, rows are written past it.
    await writer.query(insertHistory("now() + interval '30 days'"));

    expect(await refusal).toMatchObject({ code: "55P03" });
  });
});

describe("a settle whose partition is missing", () => {
  it("is not lost: a plain job", async () => {
    const pawl = openPawl(schema);
    await workWithoutPartitions(pawl);

    await pawl.enqueue(plain);

    const attempts = await endedAttempts(1);
    expect(attempts).toMatchObject([{ outcome: "succeeded", final: true }]);
  });

  it("rolls a transactional job back, and runs it again without counting a failure", async () => {
    const pawl = openPawl(schema);
    await workWithoutPartitions(pawl);

    await pawl.enqueue(transactional, undefined, { maxAttempts: 1 });

    const attempts = await endedAttempts(2);
    expect(attempts).toMatchObject([
      { outcome: "released", final: false },
      { outcome: "succeeded", final: true },
    ]);
  });

  it("is not lost when the job goes back for another attempt", async () => {
    const pawl = openPawl(schema);
    await workWithoutPartitions(pawl);

    await pawl.enqueue(failing);

    const attempts = await endedAttempts(2);
    expect(attempts).toMatchObject([
      { attempt: 1, outcome: "failed", final: false },
      { attempt: 2, outcome: "failed", final: true },
    ]);
  });

  it("is not lost while somebody reads the history and stays idle", async () => {
    const pawl = openPawl(schema);
    await workWithoutPartitions(pawl);
    await readAndIdle();

    await pawl.enqueue(plain);

    expect(await endedAttempts(1)).toMatchObject([{ outcome: "succeeded" }]);
  });

  it("is not lost for a whole batch", async () => {
    const pawl = openPawl(schema);
    await workWithoutPartitions(pawl);

    await pawl.enqueueMany(Array.from({ length: 300 }, () => plain.job()));

    const attempts = await endedAttempts(300);
    expect(new Set(attempts.map(({ id }) => id)).size).toBe(300);
    expect(attempts.every(({ outcome, attempt }) => outcome === "succeeded" && attempt === 1)).toBe(
      true,
    );
  });
});

async function partitions(): Promise<string[]> {
  const rows = await execute<{ relname: string }>(
    `select relname from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = $1::regclass order by relname`,
    [`${schema}.history`],
  );
  return rows.map(({ relname }) => relname);
}

async function dropPartitions(): Promise<void> {
  for (const name of await partitions()) await execute(`drop table ${schema}.${name}`);
}

/** A worker that has made the partitions and must find out that they have gone. */
async function workWithoutPartitions(pawl: ReturnType<typeof openPawl>): Promise<void> {
  await dropPartitions();
  const worker = await startWorker(pawl, { handlers, concurrency: 20 });
  worker.on("error", () => undefined);
  await eventually(async () => (await partitions()).length >= 4, patience);
  await dropPartitions();
}

async function endedAttempts(count: number): ReturnType<typeof historyOf> {
  return eventually(async () => {
    const attempts = await historyOf(schema);
    return attempts.length >= count && attempts;
  }, patience);
}

async function readAndIdle(): Promise<void> {
  const reader = await beginTransaction();
  await reader.query(`select count(*) from ${schema}.history`);
}

function insertHistory(expiresAt: string): string {
  return `insert into ${schema}.history
            (id, created_at, run_at, finished_at, expires_at, attempt, final, queue, task, outcome)
          values (gen_random_uuid(), now(), now(), now(), ${expiresAt}, 1, true, 'q', 't', 'succeeded')`;
}

/** Sessions that show times in UTC. */
function utcUrl(): string {
  const url = new URL(databaseUrl());
  url.searchParams.set("options", "-c timezone=UTC");
  return url.href;
}
