import type { JobReference } from "../core/job.ts";
import type {
  ClaimOptions,
  CompleteOptions,
  FailedJob,
  HeldJob,
  ManualClaims,
  ReleaseOptions,
  SettleOptions,
} from "../core/manual-claims.ts";
import type { PartialResults } from "../core/outcome.ts";
import { decodePayload } from "../core/payload.ts";
import type { Serializer } from "../core/serializer.ts";
import { getJob, type LiveJob } from "../store/inspection.ts";
import type { Store } from "../store/store.ts";

/** A live job as it stands. */
export interface JobDetails extends Omit<LiveJob, "payloadText"> {
  readonly payload: unknown;
}

/** The live jobs. */
export class Jobs {
  readonly #store: Store;
  readonly #serializer: Serializer;
  readonly #claims: ManualClaims;

  constructor(store: Store, serializer: Serializer, claims: ManualClaims) {
    this.#store = store;
    this.#serializer = serializer;
    this.#claims = claims;
  }

  /** One live job; undefined when it is not there, or has ended. Throws `PayloadError` when its payload cannot be decoded. */
  async get(job: JobReference): Promise<JobDetails | undefined> {
    const found = await getJob(this.#store, job);
    if (found === undefined) return undefined;
    const { payloadText, ...details } = found;
    return { ...details, payload: decodePayload(payloadText, this.#serializer) };
  }

  /**
   * Claims jobs for a worker that runs them by hand: `workerId` is its name. The jobs are held, in this process, until they
   * are settled or released, or the process ends. Throws `OptionError`, `SchemaError`, `DatabaseError` and `ClosedError`.
   */
  claim(workerId: string, options?: ClaimOptions): Promise<HeldJob[]> {
    return this.#claims.claim(workerId, options);
  }

  /** Ends jobs as succeeded. Throws `LeaseLostError` with the jobs that this worker does not hold; the others have ended. */
  complete(workerId: string, jobs: readonly HeldJob[], options?: CompleteOptions): Promise<void> {
    return this.#claims.complete(workerId, jobs, options);
  }

  /**
   * Says that attempts failed, each with an Error or a text: they run again by their task's `retry`, or have failed for good.
   * Throws as `complete` does.
   */
  fail(workerId: string, failed: readonly FailedJob[], options?: SettleOptions): Promise<void> {
    return this.#claims.fail(workerId, failed, options);
  }

  /**
   * Keeps what was done, for the next attempt to read as `job.partialResults`; it runs by the task's `retry`. Throws as
   * `complete` does, and `PayloadError` when the results are no JSON.
   */
  reportPartialSuccess(
    workerId: string,
    job: HeldJob,
    partialResults: PartialResults,
    options?: SettleOptions,
  ): Promise<void> {
    return this.#claims.reportPartialSuccess(workerId, job, partialResults, options);
  }

  /** Gives jobs back as if they had not been claimed. Throws as `complete` does. */
  release(workerId: string, jobs: readonly HeldJob[], options?: ReleaseOptions): Promise<void> {
    return this.#claims.release(workerId, jobs, options);
  }
}
