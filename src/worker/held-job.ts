import type { HeldJob } from "../core/manual-claims.ts";
import { decodePayload } from "../core/payload.ts";
import type { Serializer } from "../core/serializer.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";

/** A claimed job as it is handed out by `pawl.jobs.claim`. */
export function makeHeldJob(claimed: ClaimedJob, serializer: Serializer): HeldJob {
  let decoded: { readonly payload: unknown } | undefined;
  const job = {
    ...claimed.toJSON(),
    partialResults: claimed.partialResults,
    get payload() {
      decoded ??= { payload: decodePayload(claimed.payloadText, serializer) };
      return decoded.payload;
    },
    toJSON: () => claimed.toJSON(),
  };
  // A job that is printed shows what is known of it.
  Object.defineProperty(job, "toJSON", { enumerable: false });
  return Object.freeze(job);
}
