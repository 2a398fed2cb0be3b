import { spawn } from "node:child_process";
import { once } from "node:events";
import { symlinkSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { Pawl } from "pawl";
import { expect, it, onTestFinished } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { codeBlocks, page, repository } from "./markdown.ts";
import { scriptOf } from "./programs.ts";

const servers = codeBlocks(page("docs/guides/dashboard.md")).filter(({ marks }) =>
  marks.includes("serves"),
);
const login = { cookie: "session=d41d8cd9" };
const within = 15_000;

it.each(servers)("serves: $place", { timeout: 60_000 }, async ({ text }) => {
  const database = await freshDatabase();
  await migrate(database);
  const url = await start(text, database);
  const board = `${url}/ops/jobs/`;

  const nobody = await fetch(`${board}api/session`);
  const redirected = await fetch(`${url}/ops/jobs`, { headers: login, redirect: "manual" });
  const session = await fetch(`${board}api/session`, { headers: login });
  const change = await fetch(`${board}api/pause-queue`, {
    method: "POST",
    headers: { ...login, "content-type": "application/json", "x-pawl-dashboard": "1", origin: url },
    body: JSON.stringify({ name: "mail" }),
  });
  const queues = await fetch(`${board}api/queues`, { headers: login });
  const abort = new AbortController();
  const live = await fetch(`${board}api/live`, { headers: login, signal: abort.signal });
  const events = live.body?.getReader();
  await events?.read();
  const tick = new TextDecoder().decode((await events?.read())?.value);
  abort.abort();

  expect(nobody.status).toBe(401);
  expect(redirected.headers.get("location")).toBe("./jobs/");
  expect(await session.json()).toMatchObject({ name: "ada@example.com", role: "operator" });
  expect(await change.json()).toEqual({ changed: true });
  expect(await queues.json()).toMatchObject({ queues: [{ name: "mail", paused: true }] });
  expect(tick).toContain("event: tick");
});

it("are those of four servers", () => {
  expect(servers).toHaveLength(4);
});

async function migrate(database: string): Promise<void> {
  const pawl = new Pawl({ database });
  await pawl.migrate();
  await pawl.close();
}

// Runs a program of the guide as a user would, and waits until it listens.
async function start(text: string, database: string): Promise<string> {
  const folder = temporaryDirectory();
  symlinkSync(`${repository}node_modules`, join(folder, "node_modules"));
  const file = join(folder, "server.mjs");
  writeFileSync(file, scriptOf(text));
  const port = await freePort();
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: database, PORT: String(port) },
    stdio: "inherit",
  });
  onTestFinished(async () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => (await fetch(`${url}/ops/jobs/api/session`)).status === 401, {
    within,
  });
  return url;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
