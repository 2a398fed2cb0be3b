import { Worker } from "node:worker_threads";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { databaseUrl, execute } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { backendOf, firstRow, opened, statement, type Driver } from "./driver.ts";

export function connectionClauses(driver: Driver): void {
  if (driver.sessions === "many") manySessionsClauses(driver);
  else oneSessionClauses(driver);

  it("keeps dedicated connections when it is closed itself", async () => {
    const database = opened(driver);
    const dedicated = database.dedicated(1);
    onTestFinished(() => dedicated.close());

    await database.close();

    await expect(firstRow(dedicated, "select 1 as value")).resolves.toEqual({ value: 1 });
  });

  it("waits for a query that runs when it is closed", async () => {
    const database = opened(driver);
    const query = firstRow(database, "select 1 as value, pg_sleep(0.2)::text");

    await database.close();

    await expect(query).resolves.toMatchObject({ value: 1 });
  });

  it.each(["query", "begin", "transaction", "listen"] as const)(
    "refuses %s after it was closed",
    async (use) => {
      const database = opened(driver);
      await database.close();
      const uses = {
        query: () => database.query(statement("select 1")),
        begin: () => database.begin(),
        transaction: () => database.transaction(() => Promise.resolve()),
        listen: () => database.listen("any", { notified: () => undefined, lost: () => undefined }),
      };

      await expect(uses[use]()).rejects.toMatchObject({ code: "PAWL_CLOSED" });
    },
  );
}

function manySessionsClauses(driver: Driver): void {
  it("says how many connections it has at most", () => {
    expect(opened(driver, { maxConnections: 7 }).maxConnections).toBe(7);
  });

  it("never uses more connections than that", async () => {
    const database = opened(driver, { maxConnections: 2 });

    const backends = await Promise.all(Array.from({ length: 10 }, () => backendOf(database)));

    expect(new Set(backends).size).toBeLessThanOrEqual(2);
  });

  it("has dedicated connections that a full pool does not delay", async () => {
    const database = opened(driver, { maxConnections: 1 });
    const tx = await database.begin();
    const dedicated = database.dedicated(1);
    onTestFinished(() => dedicated.close());

    const backends = [await backendOf(tx), await backendOf(dedicated)];

    expect(new Set(backends).size).toBe(2);
    expect(dedicated.maxConnections).toBe(1);
    await tx.rollback();
  });

  it("closes dedicated connections alone", async () => {
    const database = opened(driver, { maxConnections: 1 });
    const pid = await backendOf(database);
    const dedicated = database.dedicated(2);
    const gone = await backendOf(dedicated);

    await dedicated.close();

    await eventually(() => isGone(gone));
    await expect(backendOf(database)).resolves.toBe(pid);
  });

  it("ends its connections when it is closed, once", async () => {
    const database = opened(driver, { maxConnections: 1 });
    const pid = await backendOf(database);

    await Promise.all([database.close(), database.close()]);

    await eventually(() => isGone(pid));
  });

  it("opens the same database in another thread", async () => {
    const url = await driver.server.freshDatabase();
    const database = opened(driver, {}, url);
    const text = "select current_database() as value";
    const expected = await firstRow(database, text);

    const answer = await queryInThread(database.threadConnection(), text);

    expect(answer).toEqual([expected]);
  });

  it("counts a hanging server against the deadline of a connection", async () => {
    const silence = await startSilence();
    const url = new URL(databaseUrl());
    url.port = String(silence.port);
    const database = opened(driver, { queryTimeout: 200 }, url.href);

    const query = database.query(statement("select 1"));

    await expect(query).rejects.toMatchObject({ code: "PAWL_DATABASE_TIMEOUT" });
    // A pool of the user's would wait for it when it ends.
    silence.cut();
  });
}

function oneSessionClauses(driver: Driver): void {
  it("has one connection, and shares it with what is dedicated", async () => {
    const database = opened(driver);
    const dedicated = database.dedicated(3);
    const tx = await database.begin();

    const query = dedicated.query(statement("select 1 as value"), [], { timeoutMs: 100 });

    await expect(query).rejects.toMatchObject({ code: "PAWL_DATABASE_TIMEOUT" });
    await tx.rollback();
    expect(await backendOf(dedicated)).toBe(await backendOf(database));
    expect([database.maxConnections, dedicated.maxConnections]).toEqual([1, 1]);
  });

  it("does not run what gave up its wait for an open transaction", async () => {
    const url = await driver.server.freshDatabase();
    const database = opened(driver, {}, url);
    const tx = await database.begin();
    const late = { name: "", text: "create table late ()" };
    const query = database.query(late, [], { timeoutMs: 100 });
    await expect(query).rejects.toMatchObject({ code: "PAWL_DATABASE_TIMEOUT" });

    await tx.rollback();

    await expect(firstRow(database, "select from late")).rejects.toThrow(/does not exist/);
  });

  it("leaves the session open when it is closed", async () => {
    const database = opened(driver);
    const dedicated = database.dedicated(1);

    await Promise.all([database.close(), database.close(), dedicated.close()]);

    await expect(driver.server.execute("select 1 as value")).resolves.toEqual([{ value: 1 }]);
  });

  it("cannot be opened in another thread", () => {
    expect(opened(driver).threadConnection()).toBeUndefined();
  });
}

async function isGone(pid: number): Promise<boolean> {
  return (await execute("select from pg_stat_activity where pid = $1", [pid])).length === 0;
}

async function queryInThread(connection: unknown, text: string): Promise<unknown> {
  const workerData = { connection, statement: statement(text) };
  const worker = new Worker(new URL("query-thread.mjs", import.meta.url), { workerData });
  const [answer] = (await once(worker, "message")) as unknown[];
  await once(worker, "exit");
  return answer;
}

/** A port where connections are accepted and nothing is ever said; until the test has ended, or all of it is cut. */
async function startSilence(): Promise<{ readonly port: number; cut(): void }> {
  const sockets: Socket[] = [];
  let isCut = false;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    if (isCut) socket.destroy();
    else sockets.push(socket);
  });
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(cut);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port");
  return { port: address.port, cut };
}
