import type { JobReference } from "../core/job.ts";
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

  constructor(store: Store, serializer: Serializer) {
    this.#store = store;
    this.#serializer = serializer;
  }

  /** One live job; undefined when it is not there, or has ended. Throws `PayloadError` when its payload cannot be decoded. */
  async get(job: JobReference): Promise<JobDetails | undefined> {
    const found = await getJob(this.#store, job);
    if (found === undefined) return undefined;
    const { payloadText, ...details } = found;
    return { ...details, payload: decodePayload(payloadText, this.#serializer) };
  }
}
