import type { Serializer } from "../core/serializer.ts";
import type { AnyTask } from "../core/task.ts";
import type { Database } from "../db/database.ts";
import type { Pawl } from "../pawl.ts";
import type { Store } from "../store/store.ts";
import type { Role } from "./api.ts";

/** Whoever looks or changes something. */
export interface Identity {
  /** As it stands in the audit. */
  readonly name: string;
  readonly role: Role;
}

/** A `Pawl`, whatever its tasks and its serializer are. */
export type AnyPawl = Pick<
  Pawl<readonly AnyTask[]>,
  | "concurrencyKeys"
  | "enqueueByName"
  | "history"
  | "jobs"
  | "maintenance"
  | "ownTasks"
  | "queues"
  | "rateLimits"
  | "schema"
  | "store"
  | "tasks"
  | "version"
  | "workers"
>;

/** Takes the secrets out of a JSON text, and leaves everything else in it as it is. */
export interface Redactor {
  redact(jsonText: string): { text: string; isRedacted: boolean };
  /** Of free text: passwords in addresses, and what is said to be a secret. */
  mask(text: string): { text: string; isRedacted: boolean };
}

/** What the reads of a dashboard work with. */
export interface ReadContext {
  readonly pawl: AnyPawl;
  /** No statement on it takes longer than a few seconds. */
  readonly store: Store<Database>;
  readonly redactor: Redactor;
  /** Milliseconds of the Unix epoch. */
  readonly now: () => number;
}

/** What every part of a dashboard works with. */
export interface DashboardContext extends ReadContext {
  /** The tasks that the application knows. */
  readonly tasks: ReadonlyMap<string, AnyTask>;
  readonly serializer: Serializer;
  /** Of Pawl. */
  readonly version: string;
  /** What the application calls this place; null when it says nothing. */
  readonly environment: string | null;
}
