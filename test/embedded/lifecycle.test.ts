import { existsSync } from "node:fs";
import { join } from "node:path";
import { startEmbeddedPostgres } from "pawl/embedded";
import type { EmbeddedPostgres } from "pawl/embedded";
import { afterEach, describe, expect, it } from "vitest";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { lowPort } from "../support/low-port.ts";
import { childrenOf, isAlive } from "../support/processes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const patience = { within: 15_000 };
const started: EmbeddedPostgres[] = [];

async function start(options?: Parameters<typeof startEmbeddedPostgres>[0]) {
  const server = await startEmbeddedPostgres(options);
  started.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop("immediate")));
});

describe("stop", () => {
  it.each(["fast", "immediate"] as const)("ends the server and its children (%s)", async (mode) => {
    const server = await start();
    const processes = [server.pid, ...childrenOf(server.pid)];

    await server.stop(mode);

    expect(processes.length).toBeGreaterThan(3);
    expect(processes.filter(isAlive)).toEqual([]);
  });

  it("removes a temporary data directory", async () => {
    const server = await start();

    await server.stop();

    expect(existsSync(server.dataDirectory)).toBe(false);
  });

  it("keeps a data directory that was given, for the next start", async () => {
    const dataDirectory = join(temporaryDirectory(), "below", "data");
    const first = await start({ dataDirectory });
    await execute("create table kept as select 7 as value", [], first.url);

    await first.stop();
    const second = await start({ dataDirectory });

    expect(second.dataDirectory).toBe(dataDirectory);
    expect(await execute("select value from kept", [], second.url)).toEqual([{ value: 7 }]);
  });

  it("can be called again, also while it is at work", async () => {
    const server = await start();

    await Promise.all([server.stop(), server.stop("immediate")]);

    await expect(server.stop()).resolves.toBeUndefined();
  });

  it("cleans up after a server that crashed by itself", async () => {
    const server = await start();
    process.kill(server.pid, "SIGKILL");
    await eventually(() => !isAlive(server.pid), patience);

    await server.stop();

    expect(existsSync(server.dataDirectory)).toBe(false);
  });

  it("is what disposing of the server does", async () => {
    const server = await start();

    await server[Symbol.asyncDispose]();

    expect(isAlive(server.pid)).toBe(false);
  });
});

describe("kill", () => {
  it("leaves no process of the server behind", async () => {
    const server = await start();
    const processes = [server.pid, ...childrenOf(server.pid)];

    await server.kill();

    expect(processes.filter(isAlive)).toEqual([]);
  });

  it("breaks the connections that are in use", async () => {
    const server = await start();
    const query = execute("select pg_sleep(30)", [], server.url).catch((error: unknown) => error);
    await eventually(async () => (await sleepers(server.url)) === 1, patience);

    await server.kill();

    expect(await query).toBeInstanceOf(Error);
  });

  it("can be called again", async () => {
    const server = await start();

    await server.kill();

    await expect(server.kill()).resolves.toBeUndefined();
  });
});

describe("restart", () => {
  it("brings a killed server back on the same port with what was committed", async () => {
    const server = await start({ port: await lowPort() });
    const { url, pid } = server;
    await execute("create table committed as select generate_series(1, 1000) as value", [], url);

    await server.kill();
    await server.restart();

    expect(server.url).toBe(url);
    expect(server.pid).not.toBe(pid);
    expect(await execute("select count(*)::int as count from committed", [], url)).toEqual([
      { count: 1000 },
    ]);
  });

  it("ends a server that runs first", async () => {
    const server = await start({ port: await lowPort() });
    const { pid, url } = server;

    await server.restart();

    expect(isAlive(pid)).toBe(false);
    expect(await execute("select 1 as one", [], url)).toEqual([{ one: 1 }]);
  });

  it("starts a stopped server whose data was kept", async () => {
    const dataDirectory = join(temporaryDirectory(), "data");
    const server = await start({ dataDirectory, port: await lowPort() });
    await server.stop();

    await server.restart();

    expect(await execute("select 1 as one", [], server.url)).toEqual([{ one: 1 }]);
  });

  it("is refused when stop() has removed the data", async () => {
    const server = await start();
    await server.stop();

    await expect(server.restart()).rejects.toMatchObject({
      code: "PAWL_EMBEDDED_FAILED",
      message: expect.stringContaining("dataDirectory"),
    });
  });
});

async function sleepers(url: string): Promise<number | undefined> {
  const rows = await execute<{ count: number }>(
    "select count(*)::int as count from pg_stat_activity where wait_event = 'PgSleep'",
    [],
    url,
  );
  return rows[0]?.count;
}
