import { spawn } from "node:child_process";
import { once } from "node:events";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transpileModule, ModuleKind, ScriptTarget } from "typescript";
import { describe, expect, it, onTestFinished } from "vitest";
import { page, repository } from "../docs/markdown.ts";
import { programsOf } from "../docs/programs.ts";
import { freshDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { lowPort } from "../support/low-port.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { Pawl } from "pawl";

const within = 30_000;
const closed = "() => null; // see below";
// The guide's programs let nobody in, so that they can be copied.
const open =
  '(request) => (request.headers.get("x-name") ? { name: "ada", role: "operator" } : null);';
const programs = programsOf(page("docs/guides/dashboard.md"))
  .filter(({ text }) => text.includes(closed))
  .map(({ text }) => ({ server: /from "([\w:@/-]+)"/.exec(text)?.[1] ?? "", text }));

/** Starts a program of the guide, and gives the address that it serves. */
async function start(text: string): Promise<{ origin: string; pawl: Pawl }> {
  const database = await freshDatabase();
  const pawl = new Pawl({ database });
  onTestFinished(() => pawl.close());
  await pawl.migrate();
  const folder = temporaryDirectory();
  symlinkSync(`${repository}node_modules`, join(folder, "node_modules"));
  const file = join(folder, "program.mjs");
  const compilerOptions = { module: ModuleKind.ESNext, target: ScriptTarget.ES2023 };
  writeFileSync(file, transpileModule(text.replace(closed, open), { compilerOptions }).outputText);
  const port = await lowPort();
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: database, PORT: String(port) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  const origin = `http://127.0.0.1:${port}`;
  await eventually(() => fetch(origin).catch(() => undefined), { within });
  return { origin, pawl };
}

describe("the programs of the guide", () => {
  it("are those of four servers", () => {
    expect(programs.map(({ server }) => server)).toEqual([
      ...["node:http", "express", "fastify", "@hono/node-server"],
    ]);
  });

  it.each(programs)("serve a dashboard with $server", { timeout: 90_000 }, async ({ text }) => {
    const { origin, pawl } = await start(text);
    const headers = { "x-name": "ada" };

    const nobody = await fetch(`${origin}/jobs/api/session`);
    const session = await fetch(`${origin}/jobs/api/session`, { headers });
    const slash = await fetch(`${origin}/jobs`, { headers, redirect: "manual" });
    const paused = await fetch(`${origin}/jobs/api/pause-queue`, {
      method: "POST",
      body: '{"name":"mail"}',
      headers: { ...headers, origin, "content-type": "application/json", "x-pawl-dashboard": "1" },
    });
    const long = await fetch(`${origin}/jobs/api/pause-queue`, {
      method: "POST",
      body: `{"name":"${"x".repeat(4_000_000)}"}`,
      headers: { ...headers, origin, "content-type": "application/json", "x-pawl-dashboard": "1" },
    });
    const live = await fetch(`${origin}/jobs/api/live`, { headers });
    const reader = live.body?.pipeThrough(new TextDecoderStream()).getReader();
    const first = await reader?.read();

    expect(nobody.status).toBe(401);
    expect(await session.json()).toMatchObject({ name: "ada", role: "operator" });
    expect([slash.status, slash.headers.get("location")]).toEqual([302, "./jobs/"]);
    expect(await paused.json()).toEqual({ changed: true });
    expect(long.status).toBe(413);
    expect(await pawl.queues.list()).toMatchObject([{ name: "mail", paused: true }]);
    expect(first?.value).toContain("retry: ");
    await reader?.cancel();
  });
});
