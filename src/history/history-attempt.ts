import { PayloadError } from "../core/errors.ts";
import { decodePayload } from "../core/payload.ts";
import type { Serializer } from "../core/serializer.ts";
import type { HistoryEntry } from "../store/history.ts";

/** One settled attempt, as the history has it. */
export interface HistoryAttempt extends Omit<HistoryEntry, "payloadText"> {
  /** The payload as it was enqueued; undefined unless the attempt is final and `payloadError` is null. */
  readonly payload: unknown;
  /** Why the payload cannot be decoded; null when it can, or when there is none. */
  readonly payloadError: PayloadError | null;
}

/** An attempt with its payload decoded, if that is possible. */
export function toAttempt(entry: HistoryEntry, serializer: Serializer): HistoryAttempt {
  const { payloadText, ...rest } = entry;
  if (payloadText === null) return { ...rest, payload: undefined, payloadError: null };
  try {
    return { ...rest, payload: decodePayload(payloadText, serializer), payloadError: null };
  } catch (error) {
    if (error instanceof PayloadError) return { ...rest, payload: undefined, payloadError: error };
    throw error;
  }
}
