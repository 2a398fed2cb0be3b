import { once } from "node:events";
import { connect, createServer } from "node:net";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { databaseUrl, execute, freshSchemaName } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { lowPort } from "../support/low-port.ts";
import { migratedSchema, openPawl } from "../support/producer.ts";
import { logOf, moduleOf, runPawl, startPawl, startPawlOnTerminal } from "./pawl-command.ts";

const within = 15_000;
const connected = ["--database", databaseUrl()];
let tasks: string;

beforeAll(() => {
  tasks = moduleOf(
    "tasks.mjs",
    `import { defineTask, typed, UnrecoverableError } from "pawl";
     const retry = { retries: 1, delays: [0] };
     export const fine = defineTask({ name: "fine", run: () => undefined });
     export const wrong = defineTask({ name: "wrong", payload: typed(), retry, run() {
       throw new Error("it went\\r\\n\\u001b[31mwrong");
     } });
     export const hopeless = defineTask({ name: "hopeless", run() {
       throw new UnrecoverableError("never again");
     } });`,
  );
});

describe("pawl work", () => {
  it("says on stderr under which id, on which queues and where it works", async () => {
    const schema = await migratedSchema();

    const worker = startPawl([
      ...["work", "--tasks", tasks, ...connected, "--schema", schema],
      ...["--name", "mail-1", "--queues", "mail, default"],
    ]);
    await worker.says("started");

    const [row] = await execute<{ id: string }>(`select id from ${schema}.workers`);
    const place = `${new URL(databaseUrl()).host}${new URL(databaseUrl()).pathname}`;
    expect(worker.stdout).toBe("");
    expect(logOf(worker)).toMatchObject([
      {
        ...{ level: 30, pid: worker.process.pid, worker: "mail-1", queues: "mail, default" },
        target: `schema "${schema}" of ${place}`,
      },
      { level: 30, worker: "mail-1", workerId: row?.id, msg: "worker started" },
    ]);
  });

  it("says so in words on a terminal", async () => {
    const schema = await migratedSchema();
    await openPawl(schema).enqueueByName("hopeless");

    const worker = startPawlOnTerminal([
      ...["work", "--tasks", tasks, ...connected, "--schema", schema],
      ...["--name", "mail-1", "--queues", "mail,default"],
    ]);
    await worker.says("started as");
    await worker.says("is not tried again: UnrecoverableError: never again");

    const [row] = await execute<{ id: string }>(`select id from ${schema}.workers`);
    expect(worker.stdout).toContain(
      `pawl worker "mail-1": started as ${row?.id ?? ""} on queues mail,default, schema "${schema}" of `,
    );
    expect(worker.stdout).not.toContain('"level"');
  });

  it("makes a worker of its options", async () => {
    const schema = await migratedSchema();

    const worker = startPawl([
      ...["work", "--tasks", tasks, ...connected, "--schema", schema, "--name", "mail-1"],
      ...["--queues", "mail,default", "--concurrency", "3", "--lease", "1500"],
    ]);
    await worker.says("started");

    const rows = await execute(
      `select name, queues, tasks, concurrency, lease_ms from ${schema}.workers`,
    );
    expect(rows).toEqual([
      {
        name: "mail-1",
        queues: ["mail", "default"],
        tasks: ["fine", "hopeless", "wrong"],
        concurrency: 3,
        lease_ms: 1_500,
      },
    ]);
  });

  it("serves any queue when none is given", async () => {
    const schema = await migratedSchema();
    const pawl = openPawl(schema);
    const { job } = await pawl.enqueueByName("fine", undefined, { queue: "of-somebody" });

    startPawl(["work", "--tasks", tasks, ...connected, "--schema", schema]);

    await eventually(async () => (await pawl.history.attempts(job)).length === 1, { within });
  });

  it("leaves other queues alone", async () => {
    const schema = await migratedSchema();
    const pawl = openPawl(schema);
    const { job: other } = await pawl.enqueueByName("fine", undefined, { queue: "other" });
    const { job: mine } = await pawl.enqueueByName("fine", undefined, { queue: "mine" });

    startPawl(["work", "--tasks", tasks, ...connected, "--schema", schema, "--queues", "mine"]);

    await eventually(async () => (await pawl.history.attempts(mine)).length === 1, { within });
    expect(await pawl.jobs.get(other)).toMatchObject({ state: "ready", attempt: 0 });
  });

  it("writes one line for each failed attempt, without the payload", async () => {
    const schema = await migratedSchema();
    const pawl = openPawl(schema);
    const payload = { card: "4111111111111111" };
    const { job } = await pawl.enqueueByName("wrong", payload, { maxAttempts: 2 });

    const worker = startPawl(["work", "--tasks", tasks, ...connected, "--schema", schema]);
    await worker.says("it is not tried again");

    const message = "it went\r\n\u001b[31mwrong";
    const attempts = logOf(worker).filter(({ jobId }) => jobId === job.id);
    expect(attempts).toMatchObject([
      { level: 40, task: "wrong", attempt: 1, final: false, error: { name: "Error", message } },
      { level: 50, task: "wrong", attempt: 2, final: true, error: { name: "Error", message } },
    ]);
    expect(worker.stderr).not.toContain("4111111111111111");
  });

  it("knows an error after which no attempt follows", async () => {
    const schema = await migratedSchema();
    await openPawl(schema).enqueueByName("hopeless");

    const worker = startPawl(["work", "--tasks", tasks, ...connected, "--schema", schema]);

    await worker.says("it is not tried again");
    expect(logOf(worker)).toContainEqual(
      expect.objectContaining({
        attempt: 1,
        error: expect.objectContaining({ name: "UnrecoverableError", message: "never again" }),
      }),
    );
  });
});

describe("pawl work that cannot begin", () => {
  it("has status 1 when the tables are not there, and says how to make them", async () => {
    const { status, stderr } = await runPawl([
      ...["work", "--tasks", tasks, ...connected, "--schema", freshSchemaName()],
    ]);

    expect(status).toBe(1);
    expect(stderr).toMatch(/^pawl work: PAWL_SCHEMA_MISSING: .*npx pawl migrate/);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it("has status 3 when the database does not exist", async () => {
    const url = new URL("/no_such_database", databaseUrl());

    const { status, stderr } = await runPawl(["work", "--tasks", tasks, "--database", url.href]);

    expect(status).toBe(3);
    expect(stderr).toContain("3D000");
  });

  it("waits for a server that is not up yet, and says so once", async () => {
    const schema = await migratedSchema();
    const port = await lowPort();
    const url = new URL(databaseUrl());
    url.host = `127.0.0.1:${port}`;
    url.password ||= "top-secret";

    const worker = startPawl([
      "work",
      ...["--tasks", tasks, "--database", url.href, "--schema", schema],
    ]);
    await worker.says("PAWL_DATABASE_UNAVAILABLE");
    await openGate(port);
    await worker.says("worker started");

    expect(worker.stderr.match(/ECONNREFUSED/g)).toHaveLength(1);
    expect(worker.stderr).toContain("the worker goes on");
    expect(worker.stderr).not.toContain(url.password);
  });
});

/** Lets connections through to the tests' database from now on. */
async function openGate(port: number): Promise<void> {
  const { hostname, port: target } = new URL(databaseUrl());
  const server = createServer((socket) => {
    const onward = connect(Number(target || 5432), hostname);
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on("error", () => end.destroy());
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
}
