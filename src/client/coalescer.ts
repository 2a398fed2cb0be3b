import { ClosedError } from "../core/errors.ts";
import type { PreparedJob } from "./prepare.ts";
import type { EnqueueResult } from "./write-jobs.ts";

interface Call {
  readonly job: PreparedJob;
  resolve(result: EnqueueResult): void;
  reject(error: unknown): void;
}

/** Writes a batch of jobs, and resolves with what became of each; when it rejects, nothing was written. */
export type WriteBatch = (jobs: readonly PreparedJob[]) => Promise<readonly EnqueueResult[]>;

/**
 * Collects single enqueues that arrive while another is being written, and writes them in one statement. Each call is
 * answered after the commit of its own job. A batch that the database refuses is split, so that a bad job fails only
 * its own call.
 */
export class Coalescer {
  readonly #write: WriteBatch;
  readonly #isRefusal: (error: unknown) => boolean;
  readonly #maxBatch: number;
  #waiting: Call[] = [];
  #flush: Promise<void> | undefined;
  #closed = false;

  constructor(options: {
    write: WriteBatch;
    isRefusal: (error: unknown) => boolean;
    maxBatch: number;
  }) {
    this.#write = options.write;
    this.#isRefusal = options.isRefusal;
    this.#maxBatch = options.maxBatch;
  }

  /** Resolves when the job is durable. */
  add(job: PreparedJob): Promise<EnqueueResult> {
    if (this.#closed)
      return Promise.reject(new ClosedError("expected an open Pawl, got one that is closed"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject });
      this.#flush ??= this.#run();
    });
  }

  /** Refuses further calls; resolves when all earlier ones have been answered. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#flush;
  }

  async #run(): Promise<void> {
    // Calls made in the same turn belong together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      await this.#send(this.#waiting.splice(0, this.#maxBatch));
    }
    this.#flush = undefined;
  }

  async #send(calls: readonly Call[]): Promise<void> {
    const behindCount = this.#waiting.length;
    try {
      const results = await this.#write(calls.map(({ job }) => job));
      for (const [place, result] of results.entries()) calls[place]?.resolve(result);
    } catch (error) {
      if (calls.length > 1 && this.#isRefusal(error)) {
        const half = calls.length >> 1;
        await this.#send(calls.slice(0, half));
        await this.#send(calls.slice(half));
        return;
      }
      // What the server could not do for these, it could not have done for those that waited behind them.
      const behind = this.#isRefusal(error) ? [] : this.#waiting.splice(0, behindCount);
      for (const call of [...calls, ...behind]) call.reject(error);
    }
  }
}
