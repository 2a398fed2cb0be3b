import type { Serializer } from "../core/serializer.ts";
import type { AnyTask } from "../core/task.ts";
import type { Database } from "../db/database.ts";
import type { Pawl } from "../pawl.ts";
import type { Store } from "../store/store.ts";
import type { Role } from "./api.ts";
import type { Redactor } from "./redact.ts";

/** Who is looking, and what they may do. */
export interface Identity {
  /** As the audit names them. */
  readonly name: string;
  readonly role: Role;
}

/** What a dashboard uses of a Pawl, whatever its tasks are. */
export type AnyPawl = Pick<
  Pawl,
  | "jobs"
  | "queues"
  | "tasks"
  | "concurrencyKeys"
  | "history"
  | "workers"
  | "rateLimits"
  | "maintenance"
  | "schema"
  | "measure"
  | "enqueueByName"
  | "inside"
>;

/** What every part of a dashboard works with. */
export interface DashboardContext {
  readonly pawl: AnyPawl;
  readonly store: Store<Database>;
  /** The tasks that the application knows. */
  readonly tasks: ReadonlyMap<string, AnyTask>;
  readonly serializer: Serializer;
  /** Of Pawl. */
  readonly version: string;
  readonly redactor: Redactor;
  /** What the application calls this place; null when it says nothing. */
  readonly environment: string | null;
}

/** No statement of the dashboard takes longer. */
export const statementTimeoutMs = 5_000;
