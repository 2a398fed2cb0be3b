import { execFileSync } from "node:child_process";

/** Whether a process runs; one that has ended and was not yet collected by its parent does not. */
export function isAlive(pid: number): boolean {
  return processes().some((found) => found.pid === pid && !found.state.startsWith("Z"));
}

/** The process ids of the children that a process has now. */
export function childrenOf(pid: number): number[] {
  return processes()
    .filter(({ parent }) => parent === pid)
    .map((found) => found.pid);
}

/** The name of the user that a process runs as. */
export function userOf(pid: number): string {
  return execFileSync("ps", ["-o", "user=", "-p", String(pid)], { encoding: "utf8" }).trim();
}

function processes(): { pid: number; parent: number; state: string }[] {
  const list = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat="], { encoding: "utf8" });
  return list
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, state = ""]) => ({ pid: Number(pid), parent: Number(parent), state }));
}
