import type { Random } from "../core/clock.ts";
import type { LeaseLostError } from "../core/errors.ts";
import type { Instrumentation } from "../core/instrumentation.ts";
import type { Serializer } from "../core/serializer.ts";
import type { HandlerEnqueue } from "../core/task.ts";
import type { Database } from "../db/database.ts";
import { isMissingPartition } from "../store/partitions.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import type { Settlement } from "../store/settles.ts";
import type { Store } from "../store/store.ts";
import type { Pace } from "./pace.ts";
import type { Slots } from "./slots.ts";
import type { Upkeep } from "./upkeep.ts";
import type { CheckedWorkerOptions } from "./worker-options.ts";

/** What a worker works with. */
export interface SessionContext {
  readonly options: CheckedWorkerOptions;
  readonly schema: string;
  readonly version: string;
  readonly retentionMs: number;
  readonly serializer: Serializer;
  readonly instrumentation: Instrumentation | undefined;
  readonly random: Random;
  readonly pace: Pace;
  /** The application's connections, for its handlers' transactions. */
  readonly store: Store<Database>;
  /** Pawl's own connections, so that handlers cannot starve it. */
  readonly control: Store<Database>;
  /** Bounds the application's connections that handlers' transactions hold at once. */
  readonly slots: Slots;
  readonly enqueueFor: (job: ClaimedJob, tx: unknown) => HandlerEnqueue;
  readonly makeUpkeep: (onError: (error: unknown) => void) => Upkeep;
}

/** What a session tells its worker. */
export interface SessionEvents {
  readonly onSettled: (settlements: readonly Settlement[]) => void;
  /** A look for jobs has found none, and none is left from earlier ones. */
  readonly onNothingFound: () => void;
  readonly onLeaseLost: (error: LeaseLostError) => void;
  /** The session is over: others have ended it. */
  readonly onEnded: () => void;
  readonly onError: (error: unknown) => void;
  /** A handler has ended: there may be room for another of the worker's sessions. */
  readonly onHandlerEnded: () => void;
  /** How many places are taken by what is not of this session: handlers of former ones that still run, and hooks. */
  readonly busyElsewhere: (unsettled: number) => number;
}

/** A clock that jumps leaves the days for which there are history partitions: they are made, and the write is tried again. */
export function withoutMissingPartitions(events: SessionEvents): SessionEvents {
  const onError = (error: unknown): void => {
    if (!isMissingPartition(error)) events.onError(error);
  };
  return { ...events, onError };
}
