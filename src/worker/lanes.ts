import type { ClaimedJob } from "../store/claimed-job.ts";

const maxFollow = 1_000;
const maxParked = 2_000;
// What a settle and a claim add to the round trip of a claim, before the next job of a lane could start.
const settleMs = 2;
const shortestRunMs = 0.005;

interface Lane {
  running: ClaimedJob | undefined;
  readonly waiting: ClaimedJob[];
}

/**
 * The lanes of concurrency keys in which this worker holds jobs. Of each lane one job runs at a time; the others wait here,
 * in order, outside of the buffer, so that they keep nothing else from starting.
 */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  #parked = 0;
  #runMs: number | undefined;

  /** The jobs that wait for another one of their lane. */
  get waiting(): ClaimedJob[] {
    return [...this.#lanes.values()].flatMap(({ waiting }) => waiting);
  }

  /**
   * How many jobs a claim may bring along in the lanes that it gets: as many as run in the time until the next could come.
   * None when they are slow, and before the first one has run.
   */
  follow(claimMs: number): number {
    if (this.#runMs === undefined || this.#parked >= maxParked) return 0;
    const runMs = Math.max(this.#runMs, shortestRunMs);
    return Math.min(maxFollow, Math.floor((2 * (claimMs + settleMs)) / runMs));
  }

  /** Takes the lane for a job, and says whether it may start; else the job waits here. */
  enter(job: ClaimedJob, name: string): boolean {
    const lane = this.#lanes.get(name);
    if (lane === undefined) {
      this.#lanes.set(name, { running: job, waiting: [] });
      return true;
    }
    lane.waiting.push(job);
    this.#parked += 1;
    return false;
  }

  /** A job's handler has returned; the next one of its lane, which has the lane now. */
  leave(job: ClaimedJob, name: string, runMs: number | null): ClaimedJob | undefined {
    if (runMs !== null) this.#runMs = this.#runMs === undefined ? runMs : (this.#runMs + runMs) / 2;
    const lane = this.#lanes.get(name);
    if (lane?.running !== job) return undefined;
    const next = lane.waiting.shift();
    lane.running = next;
    if (next === undefined) this.#lanes.delete(name);
    else this.#parked -= 1;
    return next;
  }

  /** What waits in the lane of a job, taken out: the lane is kept for a job that is about to be repeated. */
  takeWaiting(name: string): ClaimedJob[] {
    const waiting = this.#lanes.get(name)?.waiting.splice(0) ?? [];
    this.#parked -= waiting.length;
    return waiting;
  }

  /** All that waits, taken out; or what of it `isMeant` names. */
  takeAll(isMeant: (job: ClaimedJob) => boolean = () => true): ClaimedJob[] {
    const taken: ClaimedJob[] = [];
    for (const { waiting } of this.#lanes.values()) {
      const kept = waiting.filter((job) => !isMeant(job));
      taken.push(...waiting.filter(isMeant));
      waiting.splice(0, waiting.length, ...kept);
    }
    this.#parked -= taken.length;
    return taken;
  }
}
