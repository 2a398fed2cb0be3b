import type { Clock } from "../core/clock.ts";
import type { AnyTask } from "../core/task.ts";
import type { Database } from "../db/database.ts";
import type { Pawl } from "../pawl.ts";
import type { Store } from "../store/store.ts";
import type { Overview, Role } from "./api.ts";

/** Who asks, as `authorize` says. */
export interface Identity {
  /** What the audit calls them. */
  readonly name: string;
  readonly role: Role;
}

/** Takes secrets out of what is shown. */
export interface Redactor {
  /** JSON text with the values of secret keys replaced, digit for digit the same else. */
  redact(jsonText: string): { readonly text: string; readonly isRedacted: boolean };
  /** A sentence or a stack, with passwords of connection strings and values of secret keys masked. */
  redactSentence(text: string): { readonly text: string; readonly isRedacted: boolean };
  /** Whether the value at a path of keys, and of places in lists, is redacted: itself, or something that it is in. */
  isSecretPath(path: readonly string[]): boolean;
}

/** What the dashboard needs of a `Pawl`, whatever its tasks are. */
export type ShownPawl = Pick<
  Pawl,
  | ("jobs" | "queues" | "tasks" | "concurrencyKeys" | "history" | "workers" | "rateLimits")
  | ("maintenance" | "schema" | "measure" | "enqueueByName" | "internals")
>;

/** What reads and changes work with. */
export interface ReadContext {
  readonly pawl: ShownPawl;
  readonly store: Store<Database>;
  /** The tasks that the application knows, by name. */
  readonly knownTasks: ReadonlyMap<string, AnyTask>;
  readonly redactor: Redactor;
  /** This process's clock, for what is kept in memory; what a row says comes from the database's. */
  readonly now: Clock;
  /** Of Pawl. */
  readonly version: string;
  readonly environment: string | null;
}

/** Makes one snapshot at a time of how things are, and shares it. */
export type ReadOverview = () => Promise<Overview>;
