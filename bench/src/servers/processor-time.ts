import { readdir, readFile } from "node:fs/promises";

// What Linux counts in, on every architecture that Node runs on.
const tickMs = 10;

/** The processor time of a process and of all of its children, those that have ended too, in milliseconds. */
export async function processorTimeMs(pid: number): Promise<number> {
  const processes = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const times = await Promise.all(processes.map((name) => timeOf(Number(name), pid)));
  return times.reduce((sum, time) => sum + time, 0);
}

/** Of one process, when it is the parent or a child of it. */
async function timeOf(pid: number, parent: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (stat === undefined) return 0;
  // The name of the program, in parentheses, may itself hold spaces.
  const fields = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const [, parentPid] = fields;
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
  if (pid === parent) return (user + system + endedUser + endedSystem) * tickMs;
  return parentPid === parent ? (user + system) * tickMs : 0;
}
