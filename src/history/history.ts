import type { JobReference } from "../core/job.ts";
import { decodePayload } from "../core/payload.ts";
import type { Serializer } from "../core/serializer.ts";
import { listAttempts, type HistoryEntry } from "../store/history.ts";
import type { Store } from "../store/store.ts";

/** One settled attempt, as the history has it. */
export interface HistoryAttempt extends Omit<HistoryEntry, "payloadText"> {
  /** The payload as it was enqueued; undefined unless the attempt is final. */
  readonly payload: unknown;
}

/** What became of jobs: one immutable row per settled attempt. */
export class History {
  readonly #store: Store;
  readonly #serializer: Serializer;

  constructor(store: Store, serializer: Serializer) {
    this.#store = store;
    this.#serializer = serializer;
  }

  /** The settled attempts of a job, in order. Throws `PayloadError` when its payload cannot be decoded. */
  async attempts(job: JobReference): Promise<HistoryAttempt[]> {
    const entries = await listAttempts(this.#store, job);
    return entries.map(({ payloadText, ...entry }) => ({
      ...entry,
      payload: payloadText === null ? undefined : decodePayload(payloadText, this.#serializer),
    }));
  }
}
