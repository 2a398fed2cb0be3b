import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { livingServer, readLockFile } from "#pawl/embedded/lock-file";
import { temporaryDirectory } from "../support/temporary-directory.ts";

function directoryWith(lockFile: string): string {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "postmaster.pid"), lockFile);
  return directory;
}

function lockFile(pid: number, status: string): string {
  return `${pid}\n/data\n1763800000\n5432\n\n127.0.0.1\n  1234 5\n${status}\n`;
}

describe("readLockFile", () => {
  it.each([
    ["starting", { isReady: false, isStopping: false }],
    ["ready   ", { isReady: true, isStopping: false }],
    ["stopping", { isReady: false, isStopping: true }],
  ])("reads the status %j", async (status, expected) => {
    const state = await readLockFile(directoryWith(lockFile(42, status)));

    expect(state).toEqual({ pid: 42, ...expected });
  });

  it.each([
    ["empty", ""],
    ["half-written", "not a number\n"],
    ["of another format", "-5\n"],
  ])("finds no server in a file that is %s", async (_, content) => {
    expect(await readLockFile(directoryWith(content))).toBeUndefined();
  });

  it("finds no server without a file", async () => {
    expect(await readLockFile(temporaryDirectory())).toBeUndefined();
  });
});

describe("livingServer", () => {
  it("finds a process that runs", async () => {
    const state = await livingServer(directoryWith(lockFile(process.pid, "ready")));

    expect(state?.pid).toBe(process.pid);
  });

  it("does not find a process that has ended", async () => {
    const { pid } = spawnSync(process.execPath, ["--version"]);

    expect(await livingServer(directoryWith(lockFile(pid, "ready")))).toBeUndefined();
  });
});
