import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { isAlive } from "../support/processes.ts";

const program = fileURLToPath(new URL("../support/embedded-parent.mjs", import.meta.url));

// The watchdog gives the server ten seconds before it kills it.
const patience = { within: 15_000 };

interface Started {
  parent: ChildProcess;
  exit: Promise<number | null>;
  server: { pid: number; url: string; dataDirectory: string };
}

/** Starts a process that starts a server, in a process group of its own as a terminal would. */
async function startParent(ending: string): Promise<Started> {
  const parent = spawn(process.execPath, [program, ending], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const exit = new Promise<number | null>((resolve) => parent.once("exit", resolve));
  const line = await new Promise<string>((resolve) =>
    createInterface(parent.stdout).once("line", resolve),
  );
  return { parent, exit, server: JSON.parse(line) as Started["server"] };
}

describe("the process that started a server", { timeout: 60_000 }, () => {
  it.each([
    ["calls process.exit", "exit", 3],
    ["throws", "throw", 1],
    ["has nothing left to do", "return", 0],
  ])("takes the server with it when it %s", async (_, ending, status) => {
    const { exit, server } = await startParent(ending);

    expect(await exit).toBe(status);

    await eventually(() => !isAlive(server.pid), patience);
    await eventually(() => !existsSync(server.dataDirectory), patience);
  });

  it.each(["SIGKILL", "SIGTERM"] as const)(
    "takes the server with it when it gets %s",
    async (signal) => {
      const { parent, exit, server } = await startParent("wait");

      parent.kill(signal);
      await exit;

      await eventually(() => !isAlive(server.pid), patience);
      await eventually(() => !existsSync(server.dataDirectory), patience);
    },
  );

  it("keeps its server while it handles a Ctrl-C", async () => {
    const { parent, server } = await startParent("ignore interrupts");
    expect(parent.pid).toBeGreaterThan(1);

    process.kill(-(parent.pid ?? NaN), "SIGINT");

    expect(await execute("select pg_sleep(0.2) is not null as slept", [], server.url)).toEqual([
      { slept: true },
    ]);
    expect(isAlive(server.pid)).toBe(true);
  });
});
