import type { ClaimedJob } from "../store/claimed-job.ts";
import { wholeIndex, type ClaimHeader, type Place, type Range } from "../store/claims.ts";

interface Position {
  readonly runAt: string;
  readonly id: string;
}

const beginning: Position = { runAt: wholeIndex.runAt, id: wholeIndex.id };
// As long as there are not too many, a stretch of what has been passed has this many jobs.
const jobsInStretch = 50_000;
const maxStretches = 1_000;
// Beyond these bounds the least recently added is forgotten: a priority costs a longer scan, a transaction is found late,
// when what has been passed is scanned again.
const maxPriorities = 32;
const maxRemembered = 1_000;

/** A transaction that a scan could not see: what it brings lies behind this time, what it leaves behind these positions. */
interface Unseen {
  readonly since: string;
  /** Undefined: it has left nothing. */
  readonly left: ReadonlyMap<number, Position> | undefined;
}

/**
 * Where the next scan of a queue's ready index starts: one position per priority, so that no dead index entry is walked
 * twice.
 *
 * Jobs may appear behind a cursor in three ways (decision 0002). A transaction that was running when a scan was made may
 * commit later: it is remembered with a time before it began, and the cursors go back to that time when a later snapshot sees
 * it finished. What a scan has left, because somebody had locked it, may stay ready: then they go back to where it lies. And
 * a job may go back to the front: the queue's count of rewinds grows, and the scan starts from the beginning.
 */
export class Cursors {
  /** How often jobs of this queue had gone back to the front when these cursors were made. */
  rewinds = 0;
  #next = new Map<number, Position>();
  // How far has been examined, so that a scan from further back that ends without filling up can return here.
  #examined = new Map<number, Position>();
  // Where a stretch of what has been passed ends and the next one begins, in order.
  #milestones: ReadonlyMap<number, Position>[] = [];
  #claimedSince = 0;
  readonly #jobsInStretch: number;
  readonly #unseen = new Map<number, Unseen>();
  // The last scan that had an id: what came after it began after `begun`.
  #last = { xid: Infinity, begun: beginning.runAt };

  constructor(stretch = jobsInStretch) {
    this.#jobsInStretch = stretch;
  }

  /** The parts of the index to scan, in order: after each cursor, as far as the next priority that has one. */
  ranges(): Range[] {
    const ranges: Range[] = [];
    let from = wholeIndex;
    for (const [priority, position] of [...this.#next].sort(([a], [b]) => a - b)) {
      if (priority > from.lowest) ranges.push({ ...from, highest: priority - 1 });
      from = { lowest: priority, ...position, highest: wholeIndex.highest };
    }
    return [...ranges, from];
  }

  /** Takes in what a claim found ready. */
  advance(jobs: readonly ClaimedJob[], header: ClaimHeader, isFull: boolean): void {
    const before = new Map(this.#next);
    for (const job of jobs) {
      raise(this.#next, job.priority, job.position);
      raise(this.#examined, job.priority, job.position);
    }
    for (const priority of header.priorities ?? []) {
      raise(this.#examined, priority, { runAt: header.begun, id: beginning.id });
    }
    if (!isFull) this.returnToExamined();
    forgetOldest(this.#next, maxPriorities);
    forgetOldest(this.#examined, maxPriorities);
    this.#measure(jobs.length);
    const snapshot = parseSnapshot(header.snapshot);
    this.#remember(snapshot, header, before);
    this.#restoreFinished(snapshot);
    const rewinds = header.rewinds ?? 0;
    if (rewinds > this.rewinds) {
      this.rewinds = rewinds;
      this.restart();
    }
  }

  /** Takes in a snapshot from elsewhere; true when cursors went back, so that there may be something to find. */
  observe(snapshot: string): boolean {
    return this.#unseen.size > 0 && this.#restoreFinished(parseSnapshot(snapshot));
  }

  /** Nothing more is there to find from here: the next scan starts where others have ended. */
  returnToExamined(): void {
    this.#next = new Map(this.#examined);
  }

  /** Starts the next scan from the beginning of the index. */
  restart(): void {
    this.#next = new Map();
  }

  /**
   * What has been passed, in stretches of which one can be scanned again without holding up the claims for long. None when it
   * is short: then a restart does the same.
   */
  stretches(): Range[][] {
    const ends = [...this.#milestones, this.#examined];
    if (ends.length === 1) return [];
    return ends.map((to, place) => {
      const from = ends[place - 1];
      return [...to].map(([priority, until]) => {
        const start = from?.get(priority) ?? beginning;
        return { lowest: priority, ...start, highest: priority, until };
      });
    });
  }

  #measure(claimed: number): void {
    this.#claimedSince += claimed;
    if (this.#claimedSince < this.#jobsInStretch) return;
    this.#claimedSince = 0;
    this.#milestones.push(new Map(this.#examined));
    if (this.#milestones.length <= maxStretches) return;
    this.#milestones = this.#milestones.filter((_, place) => place % 2 === 1);
  }

  // Every transaction that the scan could not see: those running by its snapshot, and those that drew an id between the
  // snapshot and the claim's own.
  #remember(snapshot: Snapshot, header: ClaimHeader, before: ReadonlyMap<number, Position>): void {
    const left = header.left === null ? undefined : this.#positionsBefore(header.left, before);
    const ids = [...snapshot.running];
    const own = header.xid === null ? snapshot.end : Number(header.xid);
    for (let id = snapshot.end; id < own && ids.length < maxRemembered; id++) ids.push(id);
    for (const id of ids) {
      const known = this.#unseen.get(id);
      const began = id > this.#last.xid ? this.#last.begun : beginning.runAt;
      this.#unseen.set(id, { since: known?.since ?? began, left: earlier(known?.left, left) });
    }
    forgetOldest(this.#unseen, maxRemembered);
    if (header.xid !== null) this.#last = { xid: own, begun: header.begun };
  }

  // A scan goes through the priorities in order: nothing was left in those before, and perhaps more in those behind.
  #positionsBefore(left: Place, before: ReadonlyMap<number, Position>): Map<number, Position> {
    const positions = new Map(before);
    for (const [priority, position] of this.#next) {
      if (priority < left.priority) positions.set(priority, position);
    }
    return positions.set(left.priority, { runAt: left.runAt, id: idBefore(left.id) });
  }

  #restoreFinished(snapshot: Snapshot): boolean {
    let hasRestored = false;
    for (const [id, unseen] of this.#unseen) {
      if (id >= snapshot.end || snapshot.running.has(id)) continue;
      this.#unseen.delete(id);
      hasRestored = this.#goBackBehind(unseen) || hasRestored;
    }
    return hasRestored;
  }

  #goBackBehind({ since, left }: Unseen): boolean {
    const begun = { runAt: since, id: beginning.id };
    let hasGoneBack = false;
    for (const [priority, position] of this.#next) {
      const then = left === undefined ? begun : first(begun, left.get(priority) ?? beginning);
      if (!isBefore(then, position)) continue;
      this.#next.set(priority, then);
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
  a: ReadonlyMap<number, Position> | undefined,
  b: ReadonlyMap<number, Position> | undefined,
): ReadonlyMap<number, Position> | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const both = new Map<number, Position>();
  for (const [priority, position] of a) {
    const other = b.get(priority);
    if (other !== undefined) both.set(priority, first(position, other));
  }
  return both;
}

function first(a: Position, b: Position): Position {
  return isBefore(b, a) ? b : a;
}

/** The greatest id that is less: scans start behind a position. */
function idBefore(id: string): string {
  const hex = (BigInt(`0x${id.replaceAll("-", "")}`) - 1n).toString(16).padStart(32, "0");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
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
