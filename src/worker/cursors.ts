import type { ClaimedJob } from "../store/claimed-job.ts";
import type { ClaimHeader, Range } from "../store/claims.ts";

interface Position {
  readonly runAt: string;
  readonly id: string;
}

const lowestPriority = -32768;
const highestPriority = 32767;
const beginning: Position = { runAt: "-infinity", id: "00000000-0000-0000-0000-000000000000" };
// Beyond these bounds the least recently added is forgotten: a priority costs a longer scan, a transaction is found late,
// by the next full scan.
const maxPriorities = 32;
const maxRemembered = 1_000;

/**
 * Where the next scan of a queue's ready index starts: one position per priority, so that no dead index entry is walked
 * twice.
 *
 * Jobs may appear behind a cursor in two ways. A transaction that was running when a scan was made may commit later: the
 * cursors from before that scan are remembered under its id, and restored when a later snapshot sees it finished. And a
 * job may go back to the front: the queue's count of rewinds grows, and the scan starts from the beginning.
 */
export class Cursors {
  /** How often jobs of this queue had gone back to the front when these cursors were made. */
  rewinds = 0;
  #next = new Map<number, Position>();
  // How far has been examined, so that a scan from further back that ends without filling up can return here.
  #examined = new Map<number, Position>();
  readonly #running = new Map<number, ReadonlyMap<number, Position>>();

  /** The parts of the index to scan, in order: after each cursor, and each gap between known priorities. */
  ranges(): Range[] {
    const ranges: Range[] = [];
    let lowest = lowestPriority;
    for (const [priority, position] of [...this.#next].sort(([a], [b]) => a - b)) {
      if (priority > lowest) ranges.push({ lowest, ...beginning, highest: priority - 1 });
      ranges.push({ lowest: priority, ...position, highest: priority });
      lowest = priority + 1;
    }
    if (lowest <= highestPriority) ranges.push({ lowest, ...beginning, highest: highestPriority });
    return ranges;
  }

  /** Takes in what a claim found ready. */
  advance(jobs: readonly ClaimedJob[], header: ClaimHeader, isFull: boolean): void {
    const before = new Map(this.#next);
    for (const job of jobs) {
      raise(this.#next, job.priority, job.position);
      raise(this.#examined, job.priority, job.position);
    }
    for (const priority of header.priorities ?? []) {
      raise(this.#examined, priority, { runAt: header.skipped ?? "-infinity", id: beginning.id });
    }
    if (!isFull) this.returnToExamined();
    forgetOldest(this.#next, maxPriorities);
    forgetOldest(this.#examined, maxPriorities);
    const snapshot = parseSnapshot(header.snapshot);
    this.#remember(snapshot, header.xid, before);
    this.#restoreFinished(snapshot);
    const rewinds = header.rewinds ?? 0;
    if (rewinds > this.rewinds) {
      this.rewinds = rewinds;
      this.restart();
    }
  }

  /** Takes in a snapshot from elsewhere; true when cursors went back, so that there may be something to find. */
  observe(snapshot: string): boolean {
    return this.#running.size > 0 && this.#restoreFinished(parseSnapshot(snapshot));
  }

  /** Nothing more is there to find from here: the next scan starts where others have ended. */
  returnToExamined(): void {
    this.#next = new Map(this.#examined);
  }

  /** Starts the next scan from the beginning of the index. */
  restart(): void {
    this.#next = new Map();
  }

  // Every transaction that the scan could not see: those running by its snapshot, and those that drew an id between the
  // snapshot and the claim's own.
  #remember(snapshot: Snapshot, xid: string | null, before: ReadonlyMap<number, Position>): void {
    const unseen = [...snapshot.running];
    const own = xid === null ? snapshot.end : Number(xid);
    for (let id = snapshot.end; id < own && unseen.length < maxRemembered; id++) unseen.push(id);
    for (const id of unseen) {
      const known = this.#running.get(id);
      // After a restart, a later scan may be the one that began further in front.
      this.#running.set(id, known === undefined ? before : earlier(known, before));
    }
    forgetOldest(this.#running, maxRemembered);
  }

  #restoreFinished(snapshot: Snapshot): boolean {
    let hasRestored = false;
    for (const [id, positions] of this.#running) {
      if (id >= snapshot.end || snapshot.running.has(id)) continue;
      this.#running.delete(id);
      hasRestored = this.#goBackTo(positions) || hasRestored;
    }
    return hasRestored;
  }

  #goBackTo(positions: ReadonlyMap<number, Position>): boolean {
    let hasGoneBack = false;
    for (const [priority, position] of this.#next) {
      const then = positions.get(priority);
      if (then === undefined) this.#next.delete(priority);
      else if (isBefore(then, position)) this.#next.set(priority, then);
      else continue;
      hasGoneBack = true;
    }
    return hasGoneBack;
  }
}

interface Snapshot {
  /** The first transaction id that had not ended, and no later one had either. */
  readonly end: number;
  readonly running: ReadonlySet<number>;
}

// `xmin:xmax:xip,xip,…`, see pg_snapshot in PostgreSQL's documentation.
function parseSnapshot(text: string): Snapshot {
  const [, end, running] = text.split(":");
  const ids = running === undefined || running === "" ? [] : running.split(",").map(Number);
  return { end: Number(end ?? 0), running: new Set(ids) };
}

function raise(positions: Map<number, Position>, priority: number, position: Position): void {
  const known = positions.get(priority);
  if (known === undefined || isBefore(known, position)) positions.set(priority, position);
}

/** Of each priority the position further in front; one that is missing stands for the beginning. */
function earlier(
  a: ReadonlyMap<number, Position>,
  b: ReadonlyMap<number, Position>,
): ReadonlyMap<number, Position> {
  if (a === b) return a;
  const both = new Map<number, Position>();
  for (const [priority, position] of a) {
    const other = b.get(priority);
    if (other !== undefined) both.set(priority, isBefore(other, position) ? other : position);
  }
  return both;
}

function isBefore(a: Position, b: Position): boolean {
  if (a.runAt === b.runAt) return a.id < b.id;
  return a.runAt === "-infinity" || (b.runAt !== "-infinity" && a.runAt < b.runAt);
}

function forgetOldest(map: Map<number, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}
