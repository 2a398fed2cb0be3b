import type { Evidence } from "../src/checker/evidence.ts";
import type { Change, Claimed, Window } from "../src/evidence/audit.ts";
import type { Event, What } from "../src/evidence/event.ts";
import type { Attempt, Effect, LeftJob } from "../src/evidence/final-state.ts";
import type { Exit } from "../src/processes/run-process.ts";
import type { NewJob } from "../src/workloads/workload.ts";

export const worker = { pid: 10, id: "worker-1" };
export const other = { pid: 11, id: "worker-2" };
export const producer = { pid: 20 };

const unclaimed: Claimed = {
  ...{
    attempt: 0,
    workerId: null,
    claimNumber: null,
    concurrencyKey: null,
    concurrencyLimit: null,
    lane: null,
  },
  ...{ rateLimitKey: null, weight: null },
};

/** Tells the story of a run step by step, as its events and its database would; each step a millisecond after the last. */
export class Story {
  readonly #events: Event[] = [];
  readonly #changes: Change[] = [];
  readonly #attempts: Attempt[] = [];
  readonly #effects: Effect[] = [];
  readonly #left: LeftJob[] = [];
  readonly #exits: Exit[] = [];
  readonly #jobs = new Map<number, NewJob>();
  readonly #rows = new Map<string, Claimed>();
  readonly leftOver: string[] = [];
  readonly #windows: Window[] = [];
  #now = 0;
  #xid = 100;

  /** Of a job that is to be enqueued. */
  wanted(n: number, given: Partial<NewJob> = {}): this {
    const act = { n, does: "succeed", ms: 0, times: 1 } as const;
    this.#jobs.set(n, { act, isTransactional: false, options: {}, ...given });
    return this;
  }

  says(what: What, { pid } = producer): this {
    this.#now += 1;
    this.#events.push({ ...what, at: this.#now, pid });
    return this;
  }

  wait(ms: number): this {
    this.#now += ms;
    return this;
  }

  enqueued(n: number, { id = `job-${n}`, ...row }: Partial<Claimed> & { id?: string } = {}): this {
    if (!this.#jobs.has(n)) this.wanted(n);
    this.says({ kind: "attempted", n });
    this.#write(id, { ...unclaimed, ...row });
    return this.says({ kind: "acknowledged", n, id, outcome: "created" });
  }

  claimed(n: number, by = worker, given: Partial<Claimed> = {}): this {
    const id = `job-${n}`;
    const row = this.#rows.get(id) ?? unclaimed;
    const claim = { workerId: by.id, claimNumber: String(row.attempt + 1) };
    this.#write(id, { ...row, attempt: row.attempt + 1, ...claim, ...given });
    return this;
  }

  started(n: number, by = worker, attempt = 1): this {
    return this.says({ kind: "started", n, id: `job-${n}`, attempt }, by);
  }

  ended(n: number, by = worker, attempt = 1): this {
    return this.says({ kind: "ended", n, id: `job-${n}`, attempt, how: "returned" }, by);
  }

  wrote(n: number, attempt = 1): this {
    this.#effects.push({ n, id: `job-${n}`, attempt });
    return this;
  }

  /** A row of the history, in the transaction that removes the job, or puts it back. */
  settled(n: number, given: Partial<Attempt> = {}): this {
    const id = `job-${n}`;
    const row = this.#rows.get(id) ?? unclaimed;
    const attempt: Attempt = {
      ...{ id, n, attempt: row.attempt, final: true, outcome: "succeeded", code: null },
      ...{ workerId: row.workerId, claimNumber: row.claimNumber, finishedAtMs: this.#now },
      xid: String(this.#xid + 1),
      ...given,
    };
    this.#attempts.push(attempt);
    this.#write(id, attempt.final ? null : { ...row, workerId: null, claimNumber: null });
    return this;
  }

  /** From the enqueue to the end, without trouble. */
  whole(n: number): this {
    return this.enqueued(n).claimed(n).started(n).wrote(n).ended(n).settled(n);
  }

  /** The database opens a window of a rate limit. */
  opened(key: string): this {
    this.#windows.push({ key, startedAtMs: this.#now });
    return this;
  }

  left(n: number, state: string): this {
    this.#left.push({ id: `job-${n}`, n, queue: "default", state, attempt: 0 });
    return this;
  }

  exited(given: Partial<Exit> = {}): this {
    this.#exits.push({ pid: worker.pid, role: "worker", code: 0, signal: null, ...given });
    return this;
  }

  evidence(): Evidence {
    return {
      events: this.#events,
      final: {
        jobs: this.#left,
        attempts: this.#attempts,
        effects: this.#effects,
        changes: this.#changes,
        windows: this.#windows,
        leftOver: this.leftOver,
      },
      exits: this.#exits,
      jobs: this.#jobs,
      leaseMs: 1_000,
      clockOffsetMs: 0,
    };
  }

  #write(id: string, after: Claimed | null): void {
    this.#now += 1;
    this.#xid += 1;
    const before = this.#rows.get(id) ?? null;
    this.#changes.push({
      ...{
        place: this.#changes.length + 1,
        atMs: this.#now,
        xid: String(this.#xid),
        innerXid: String(this.#xid),
      },
      ...{ id, before, after },
    });
    if (after !== null) this.#rows.set(id, after);
  }
}
