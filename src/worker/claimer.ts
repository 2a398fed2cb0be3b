import type { ClaimedJob } from "../store/claimed-job.ts";
import {
  claimJobs,
  claimLimitedJobs,
  findReadyQueues,
  takeArrivals,
  type Claim,
  type Range,
} from "../store/claims.ts";
import type { Store } from "../store/store.ts";
import { setForbiddenFlags } from "../store/workers.ts";
import { Cursors } from "./cursors.ts";
import type { FlagFilter } from "./flag-filter.ts";
import { PassedStretches } from "./passed-stretches.ts";

// The safety net against what no other rule foresees (a clock that steps back): what the cursors have passed is scanned again
// now and then, stretch by stretch where it is long.
const scanAgainEveryMs = 30_000;
// With more queues than these a look takes as long as many claims: what it has found is used up before the next one, for so
// many times as long as it took.
const fewQueues = 100;
const looksApart = 4;
const maxKnownQueues = 5_000;
const arrivalsBatch = 1_000;

export interface ClaimerOptions {
  readonly workerId: string;
  /** In the order in which they are drained; undefined: any queue, in turn. */
  readonly queues: readonly string[] | undefined;
  /** Null: any task. */
  readonly tasks: readonly string[] | null;
  readonly flagFilter: FlagFilter;
  /** Given every job as soon as its claim is known, before the claim's number counts as ended. */
  readonly onClaimed: (jobs: readonly ClaimedJob[]) => void;
  /** Told of queues that hold jobs of tasks this worker does not know. */
  readonly onUnknownTasks: (queue: string) => void;
  /** Told in how many milliseconds a job with a rate limit may start in a queue. */
  readonly onLimited: (queue: string, inMs: number) => void;
  /** Told when jobs have become ready for which no claim waited. */
  readonly onAdmitted: () => void;
  /** Told when an admission has failed for which no claim waited. */
  readonly onError: (error: unknown) => void;
}

interface ClaimLimits {
  readonly limit: number;
  readonly follow: number;
}

/** Claims jobs for one worker, in the order of its queues. One call of `claim` at a time. */
export class Claimer {
  readonly #store: Store;
  readonly #options: ClaimerOptions;
  readonly #cursors = new Map<string, Cursors>();
  // By queue, the oldest transaction that may have brought arrivals; of all queues together, as the last look said.
  #arrivalsSince = new Map<string, number>();
  #anyArrivalsSince = 0;
  readonly #toAdmit = new Set<string>();
  #admission: Promise<void> | undefined;
  // What the last look has found and nobody has claimed from since, and until when that is to be believed.
  #unserved: readonly string[] = [];
  #lookUntil = 0;
  // Queues in which the last look saw arrivals.
  readonly #arrivedIn = new Set<string>();
  readonly #claimsUnderWay = new Set<number>();
  #claimNumber = 0;
  #scannedAgainAt = performance.now();
  readonly #passed = new PassedStretches();
  #paused: ReadonlySet<string> = new Set();
  // What may be claimed: what the worker serves, without what is paused.
  #queues: readonly string[] | undefined;
  #tasks: readonly string[] | null;
  #exceptTasks: readonly string[] = [];

  constructor(store: Store, options: ClaimerOptions) {
    this.#store = store;
    this.#options = options;
    this.#queues = options.queues;
    this.#tasks = options.tasks;
  }

  /** Leaves queues and tasks out from the next claim on; what waits of others is looked for from the beginning. */
  setPaused(paused: {
    readonly queues: ReadonlySet<string>;
    readonly tasks: ReadonlySet<string>;
  }): void {
    this.#paused = paused.queues;
    this.#queues = this.#options.queues?.filter((queue) => !paused.queues.has(queue));
    this.#tasks = this.#options.tasks?.filter((task) => !paused.tasks.has(task)) ?? null;
    this.#exceptTasks = [...paused.tasks];
    // New ones, because a claim under way still advances the old.
    this.#cursors.clear();
    this.restart();
  }

  /** The number of the newest claim sent. */
  get claimNumber(): number {
    return this.#claimNumber;
  }

  /** The newest claim number up to which every reply has come, or never will. */
  get endedClaimNumber(): number {
    return this.#claimsUnderWay.size === 0
      ? this.#claimNumber
      : Math.min(...this.#claimsUnderWay) - 1;
  }

  /**
   * Up to `limit` jobs, in the order in which they are to start, and up to `follow` more that are next in the lanes of
   * these. Fewer than `limit` means that no more were ready; what has arrived may still be on its way.
   */
  async claim(limit: number, follow = 0): Promise<ClaimedJob[]> {
    if (this.#tasks?.length === 0) return [];
    const { workerId, flagFilter } = this.#options;
    if (await flagFilter.refresh()) this.restart();
    await flagFilter.announce((flags) => setForbiddenFlags(this.#store, workerId, flags));
    const now = performance.now();
    this.#scanAgain(now);
    const jobs: ClaimedJob[] = [];
    try {
      await this.#passed.visit((stretch) => this.#claimPassed(jobs, stretch, limit));
      const isLookFresh = now < this.#lookUntil;
      if (isLookFresh) await this.#claimInto(jobs, this.#unserved, { limit, follow });
      if (jobs.length < limit) {
        await this.#claimInto(jobs, await this.#readyQueues(), { limit, follow });
      }
    } catch (error) {
      if (jobs.length === 0) throw error;
      // What has been claimed is to be run; the next look meets the error.
      this.#lookUntil = 0;
    }
    return jobs;
  }

  async #claimInto(
    jobs: ClaimedJob[],
    queues: readonly string[],
    { limit, follow }: ClaimLimits,
  ): Promise<void> {
    this.#unserved = queues;
    for (const [place, queue] of queues.entries()) {
      if (jobs.length >= limit) {
        if (this.#arrivedIn.has(queue)) this.#admitMeanwhile(queue);
        continue;
      }
      jobs.push(...(await this.#claimFrom(queue, { limit: limit - jobs.length, follow })));
      const isDrained = jobs.length < limit || this.#queues === undefined;
      this.#unserved = queues.slice(isDrained ? place + 1 : place);
    }
  }

  /** Jobs with a rate limit that are to start at once, and when to look again (null: none waits). */
  async claimLimited(
    queue: string,
    limit: number,
  ): Promise<{ jobs: ClaimedJob[]; limitedMs: number | null }> {
    if (this.#paused.has(queue) || this.#tasks?.length === 0) return { jobs: [], limitedMs: null };
    return this.#numbered(queue, limit, (claim) => claimLimitedJobs(this.#store, claim));
  }

  /** The server may have crashed, and forgotten claims: their jobs are ready again, behind the cursors. */
  restart(): void {
    for (const cursors of this.#cursors.values()) cursors.restart();
    this.#lookUntil = 0;
    this.#passed.clear();
    this.#forgetArrivals();
  }

  /** Whether jobs may be about to become ready. */
  get isAdmitting(): boolean {
    return this.#admission !== undefined;
  }

  /** Resolves when the admission under way has ended. */
  async stop(): Promise<void> {
    this.#toAdmit.clear();
    await this.#admission;
  }

  async #claimFrom(queue: string, { limit, follow }: ClaimLimits): Promise<ClaimedJob[]> {
    const cursors = this.#cursorsOf(queue);
    const horizons = this.#arrivalsSince;
    const claimed = await this.#numbered(queue, limit, (claim) =>
      claimJobs(this.#store, {
        ...claim,
        ranges: cursors.ranges(),
        follow,
        arrivalsSince: horizons.get(queue) ?? 0,
      }),
    );
    const { jobs, ready, header } = claimed;
    cursors.advance(ready, header, ready.length >= limit);
    if (header.unknown) this.#options.onUnknownTasks(queue);
    if (header.horizon !== null) horizons.set(queue, header.horizon);
    // What was claimed from arrivals goes on with the next claim, when there was enough.
    const isEnough = header.horizon !== null && jobs.length >= limit;
    if (header.arrivals && !isEnough) this.#admitMeanwhile(queue);
    if (header.limited !== null) this.#options.onLimited(queue, header.limited);
    return jobs;
  }

  async #numbered<Claimed extends { readonly jobs: readonly ClaimedJob[] }>(
    queue: string,
    limit: number,
    send: (claim: Claim) => Promise<Claimed>,
  ): Promise<Claimed> {
    const { workerId, flagFilter, onClaimed } = this.#options;
    this.#claimNumber += 1;
    const claimNumber = this.#claimNumber;
    this.#claimsUnderWay.add(claimNumber);
    try {
      const claimed = await send({
        queue,
        workerId,
        claimNumber,
        limit,
        tasks: this.#tasks,
        exceptTasks: this.#tasks === null ? this.#exceptTasks : null,
        forbiddenFlags: flagFilter.current,
        isSettledWithin: false,
      });
      onClaimed(claimed.jobs);
      return claimed;
    } finally {
      this.#claimsUnderWay.delete(claimNumber);
    }
  }

  // One queue after another, so that settles and claims find connections.
  #admitMeanwhile(queue: string): void {
    this.#toAdmit.add(queue);
    this.#admission ??= this.#admitAll().finally(() => {
      this.#admission = undefined;
    });
  }

  async #admitAll(): Promise<void> {
    for (const queue of this.#toAdmit) {
      await this.#admit(queue).catch(this.#options.onError);
      this.#toAdmit.delete(queue);
    }
  }

  async #admit(queue: string): Promise<void> {
    const horizons = this.#arrivalsSince;
    let taken = arrivalsBatch;
    while (taken === arrivalsBatch && this.#toAdmit.has(queue)) {
      const since = horizons.get(queue) ?? 0;
      const arrivals = await takeArrivals(this.#store, queue, { since, limit: arrivalsBatch });
      ({ taken } = arrivals);
      horizons.set(queue, arrivals.horizon);
      if (taken > 0) this.#options.onLimited(queue, 0);
      if (arrivals.admitted > 0) this.#options.onAdmitted();
    }
  }

  // With one queue there is nothing to find out. With more, one statement says which of them have work.
  async #readyQueues(): Promise<readonly string[]> {
    const queues = this.#queues;
    if (queues !== undefined && queues.length <= 1) return queues;
    const askedAt = performance.now();
    let found = await this.#look();
    // Cursors that go back, because an older transaction has ended, may have something to find: one look says which.
    if (this.#observe(found.snapshot)) found = await this.#look();
    const answeredAt = performance.now();
    const isCostly = Math.max(this.#cursors.size, queues?.length ?? 0) > fewQueues;
    this.#lookUntil = isCostly ? answeredAt + (answeredAt - askedAt) * looksApart : 0;
    const ready = new Set(found.queues);
    this.#arrivedIn.clear();
    for (const { queue, arrived, limitedMs } of found.waiting) {
      if (arrived && this.#paused.has(queue)) this.#admitMeanwhile(queue);
      else if (arrived) this.#arrivedIn.add(queue);
      const mayStart = limitedMs !== null && !this.#paused.has(queue);
      if (mayStart) this.#options.onLimited(queue, limitedMs);
    }
    if (found.waiting.every(({ arrived }) => !arrived)) {
      this.#anyArrivalsSince = Number(found.snapshot.split(":")[0]);
    }
    for (const queue of this.#arrivedIn) ready.add(queue);
    for (const [queue, cursors] of this.#cursors) {
      if (!ready.has(queue)) cursors.returnToExamined();
    }
    if (queues !== undefined) return queues.filter((queue) => ready.has(queue));
    return this.#inTurn([...ready]);
  }

  #look(): ReturnType<typeof findReadyQueues> {
    const known = [...this.#cursors]
      .filter(([queue]) => !this.#paused.has(queue))
      .map(([queue, cursors]) => ({
        queue,
        rewinds: cursors.rewinds,
        ranges: cursors.ranges(),
      }));
    return findReadyQueues(this.#store, known, {
      queues: this.#queues,
      paused: this.#paused,
      arrivalsSince: this.#anyArrivalsSince,
    });
  }

  #observe(snapshot: string): boolean {
    let hasGoneBack = false;
    for (const cursors of this.#cursors.values()) {
      if (cursors.observe(snapshot)) hasGoneBack = true;
    }
    return hasGoneBack;
  }

  // The queue that was served longest ago comes first: claiming moves it to the end of the map.
  #inTurn(ready: string[]): string[] {
    const places = new Map([...this.#cursors.keys()].map((queue, place) => [queue, place]));
    return ready.sort((a, b) => (places.get(a) ?? -1) - (places.get(b) ?? -1));
  }

  #cursorsOf(queue: string): Cursors {
    const cursors = this.#cursors.get(queue) ?? new Cursors();
    this.#cursors.delete(queue);
    this.#cursors.set(queue, cursors);
    for (const oldest of this.#cursors.keys()) {
      if (this.#cursors.size <= maxKnownQueues) break;
      this.#cursors.delete(oldest);
      this.#arrivalsSince.delete(oldest);
    }
    return cursors;
  }

  #scanAgain(now: number): void {
    if (now - this.#scannedAgainAt < scanAgainEveryMs) return;
    this.#scannedAgainAt = now;
    this.#lookUntil = 0;
    this.#forgetArrivals();
    for (const [queue, cursors] of this.#cursors) {
      const stretches = cursors.stretches();
      if (stretches.length === 0) cursors.restart();
      else this.#passed.add(queue, stretches);
    }
  }

  #forgetArrivals(): void {
    // A new one, because an admission under way still notes how far it has come.
    this.#arrivalsSince = new Map();
    this.#anyArrivalsSince = 0;
  }

  // True when there was no room for all that may be there.
  async #claimPassed(
    jobs: ClaimedJob[],
    { queue, ranges }: { readonly queue: string; readonly ranges: readonly Range[] },
    limit: number,
  ): Promise<boolean> {
    const wanted = limit - jobs.length;
    if (wanted <= 0) return true;
    const claimed = await this.#numbered(queue, wanted, (claim) =>
      claimJobs(this.#store, { ...claim, ranges, follow: 0, arrivalsSince: null }),
    );
    jobs.push(...claimed.jobs);
    return claimed.jobs.length >= wanted;
  }
}
