import type { Jobs } from "../client/jobs.ts";
import type { RateLimits } from "../client/rate-limits.ts";
import type { Clock } from "../core/clock.ts";
import type { Serializer } from "../core/serializer.ts";
import type { AnyTask } from "../core/task.ts";
import type { Database } from "../db/database.ts";
import type { Maintenance } from "../maintenance/maintenance.ts";
import type { Pawl } from "../pawl.ts";
import type { Store } from "../store/store.ts";
import type { Role } from "./api.ts";

/** Whoever looks or changes something. */
export interface Identity {
  /** As it stands in the audit. */
  readonly name: string;
  readonly role: Role;
}

/** Takes the secrets out of a JSON text, and leaves everything else in it as it is. */
export interface Redactor {
  redact(jsonText: string): { text: string; isRedacted: boolean };
}

/** What the reads of a dashboard work with. */
export interface ReadContext {
  readonly pawl: {
    readonly jobs: Pick<Jobs, "explain">;
    readonly rateLimits: Pick<RateLimits, "list">;
    readonly maintenance: Pick<Maintenance, "diagnose">;
    readonly ownTasks: ReadonlyMap<string, AnyTask>;
  };
  /** No statement on it takes longer than a few seconds. */
  readonly store: Store<Database>;
  readonly redactor: Redactor;
  /** Milliseconds of the Unix epoch. */
  readonly now: Clock;
}

/** The commands of a `Pawl` that a dashboard gives, whatever its tasks and its serializer are. */
export type ChangingPawl = Pick<
  Pawl,
  "concurrencyKeys" | "enqueueByName" | "history" | "jobs" | "queues" | "tasks"
>;

/** What the changes of a dashboard work with. */
export interface ChangeContext {
  readonly pawl: ChangingPawl;
  /** No statement on it takes longer than a few seconds. */
  readonly store: Store<Database>;
  readonly serializer: Serializer;
  readonly secrets: Secrets;
  /** Tells the application of an error that nobody waits for. */
  readonly report: (error: unknown) => void;
}

/** What is secret in a payload. */
export interface Secrets extends Redactor {
  /** Whether what a payload has at a path of keys is never shown. */
  isSecretPath(path: readonly string[]): boolean;
}
