import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { isProcessGone, ownIdentity } from "#pawl/lifecycle/process-identity";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";

const canUnshare = spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"]).status === 0;

/** Starts a process; with its id and what the kernel says of its start. */
async function started(...command: readonly [string, ...string[]]): Promise<{
  readonly child: ChildProcess;
  readonly pid: number;
  readonly start: number;
}> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  return { child, pid, start: startOf(pid) };
}

function startOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.split(") ")[1]?.split(" ")[19]);
}

function stateOf(pid: number): string | undefined {
  return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0];
}

describe.runIf(process.platform === "linux")("a process of this machine", () => {
  it("has not ended while it runs, nor while it is frozen", async () => {
    const { child, pid, start } = await started("sleep", "60");
    expect(isProcessGone(pid, start)).toBe(false);

    child.kill("SIGSTOP");
    await eventually(() => stateOf(pid) === "T");

    expect(isProcessGone(pid, start)).toBe(false);
  });

  it("has ended when it was killed", async () => {
    const { child, pid, start } = await started("sleep", "60");

    child.kill("SIGKILL");
    await once(child, "exit");

    expect(isProcessGone(pid, start)).toBe(true);
  });

  it("has ended when nobody has collected it yet", async () => {
    // The shell becomes a program that never asks after the shell's child.
    const { child } = await started("sh", "-c", "sleep 60 & echo $!; exec sleep 60");
    const [line] = (await once(child.stdout ?? child, "data")) as [Buffer];
    const orphan = Number(line.toString());
    const start = startOf(orphan);
    await eventually(() => readFileSync(`/proc/${child.pid}/comm`, "utf8") === "sleep\n");

    process.kill(orphan, "SIGKILL");
    await eventually(() => stateOf(orphan) === "Z");

    expect(isProcessGone(orphan, start)).toBe(true);
  });

  it("has ended when another process has its id", async () => {
    const { pid, start } = await started("sleep", "60");

    expect(isProcessGone(pid, start - 1)).toBe(true);
  });

  it("knows itself and its machine, and when it started", () => {
    const { host, pid, machine, processStart } = ownIdentity();

    expect(pid).toBe(process.pid);
    expect(processStart).toBe(startOf(process.pid));
    expect(machine).toMatch(new RegExp(`^${host} [-0-9a-f]{36} pid:\\[\\d+\\]$`, "u"));
    expect(isProcessGone(pid, processStart ?? 0)).toBe(false);
  });

  it("is not gone when nothing is known of it", () => {
    expect(isProcessGone(null, 1)).toBe(false);
    expect(isProcessGone(1, null)).toBe(false);
  });
});

describe.runIf(canUnshare)("a process in a namespace of its own", () => {
  it.each([
    ["is on another machine", ["--mount-proc"], /^".* pid:\[\d+\]"$/u],
    ["knows no machine when it sees the processes of another namespace", [], /^null$/u],
  ] as const)("%s", async (_, options, machine) => {
    const module = new URL("../../dist/lifecycle/process-identity.js", import.meta.url).href;
    const program = `import { ownIdentity } from "${module}";
      console.log(JSON.stringify(ownIdentity().machine));`;
    const node = ["node", "--input-type=module", "--eval", program];
    const { child } = await started("unshare", "--pid", "--fork", ...options, ...node);
    const [line] = (await once(child.stdout ?? child, "data")) as [Buffer];

    expect(line.toString().trim()).toMatch(machine);
    expect(line.toString()).not.toContain(ownIdentity().machine);
  });
});
