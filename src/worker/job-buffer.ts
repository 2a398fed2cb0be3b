interface Batch<Job> {
  readonly jobs: readonly Job[];
  readonly bufferedAt: number;
}

/** Claimed jobs in the order in which they came. To look at the next one or to take it costs the same however many wait. */
export class JobBuffer<Job> {
  #batches: Batch<Job>[] = [];
  // Where the next job is in the oldest batch.
  #head = 0;
  #depth = 0;
  #taken = 0;

  get depth(): number {
    return this.#depth;
  }

  /** How many jobs have been taken one by one. */
  get taken(): number {
    return this.#taken;
  }

  /** The jobs, in order. */
  get jobs(): readonly Job[] {
    return this.#batches.flatMap(({ jobs }, place) =>
      place === 0 ? jobs.slice(this.#head) : jobs,
    );
  }

  /** When the oldest of these jobs came, by the monotonic clock. */
  get oldestAt(): number | undefined {
    return this.#batches[0]?.bufferedAt;
  }

  push(jobs: readonly Job[], bufferedAt: number): void {
    if (jobs.length === 0) return;
    this.#batches.push({ jobs, bufferedAt });
    this.#depth += jobs.length;
  }

  /** The job that is next, left in its place. */
  peek(): Job | undefined {
    return this.#batches[0]?.jobs[this.#head];
  }

  shift(): Job | undefined {
    const batch = this.#batches[0];
    const job = batch?.jobs[this.#head];
    if (batch === undefined || job === undefined) return undefined;
    this.#taken += 1;
    this.#depth -= 1;
    this.#head += 1;
    if (this.#head === batch.jobs.length) this.#dropOldest();
    return job;
  }

  /** Takes out what came before this moment. */
  removeBefore(moment: number): Job[] {
    const removed: Job[] = [];
    for (let at = this.oldestAt; at !== undefined && at < moment; at = this.oldestAt) {
      removed.push(...this.#dropOldest());
    }
    this.#depth -= removed.length;
    return removed;
  }

  /** Empties the buffer. */
  removeAll(): Job[] {
    return this.removeBefore(Infinity);
  }

  #dropOldest(): readonly Job[] {
    const left = this.#batches.shift()?.jobs.slice(this.#head) ?? [];
    this.#head = 0;
    return left;
  }
}
