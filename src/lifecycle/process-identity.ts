import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import type { WorkerRegistration } from "../store/workers.ts";

/** Where a process runs, and what tells it from a later one with the same id. */
export type ProcessIdentity = Pick<WorkerRegistration, "host" | "pid" | "machine" | "processStart">;

// Where the start is among what follows a process's name, which may hold spaces and brackets: see proc_pid_stat(5).
const startField = 19;

/** Says who this process is. The machine and the start are known on Linux only. */
export function ownIdentity(): ProcessIdentity {
  const { pid } = process;
  const processStart = readStat(pid)?.start;
  return {
    host: hostname(),
    pid,
    machine: processStart === undefined ? null : ownMachine(),
    processStart: processStart ?? null,
  };
}

/**
 * Whether a process of this machine is gone for good, by what the kernel says: a frozen one is not, nor one that this
 * process may not look at, nor one of which nothing is known (null).
 */
export function isProcessGone(pid: number | null, processStart: number | null): boolean {
  if (pid === null || processStart === null) return false;
  if (!isThere(pid)) return true;
  const stat = readStat(pid);
  // A zombie is gone too; nobody has collected it yet.
  return stat !== undefined && (stat.start !== processStart || stat.state === "Z");
}

// The host, the kernel's boot, and its namespace of process ids: containers do not see each other's processes.
function ownMachine(): string | null {
  try {
    // Else the ids there are those of another namespace.
    if (readlinkSync("/proc/self") !== String(process.pid)) return null;
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${hostname()} ${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return null;
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

function readStat(pid: number): { readonly state: string; readonly start: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state = ""] = fields;
    const start = Number(fields[startField]);
    return Number.isSafeInteger(start) ? { state, start } : undefined;
  } catch {
    return undefined;
  }
}
