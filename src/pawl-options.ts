import type { PoolLike } from "./adapters/pg.ts";
import type { Clock } from "./core/clock.ts";
import type { JsonCompatible } from "./core/payload.ts";
import type { Serializer } from "./core/serializer.ts";
import type { AnyTask, JobRequest } from "./core/task.ts";
import type { PayloadValidator } from "./core/validate.ts";
import type { Database } from "./db/database.ts";

/** What `new Pawl` takes. */
export interface PawlOptions<
  Tasks extends readonly AnyTask[],
  Codec extends Serializer | undefined = Serializer | undefined,
> {
  /** A connection string, a `pg` Pool, or an adapter's database. Default: the environment's `DATABASE_URL`. */
  readonly database?: string | PoolLike | Database;
  /** The tasks that may be enqueued by their names, with their types checked. */
  readonly tasks?: Tasks;
  /** The database schema that holds Pawl's tables. Default `"pawl"`. */
  readonly schema?: string;
  /** Turns payloads into JSON and back. Default: strict JSON. */
  readonly serializer?: Codec;
  /**
   * Makes the ids of jobs: UUIDs, best of version 7. Like an `id` of the caller's, one that was enqueued into the queue
   * before is enqueued once, so each is looked for in the history. Default: Pawl's own, which are new.
   */
  readonly generateId?: () => string;
  /**
   * The application's own check of every payload, before its task's schema: returns what is wrong, or nothing. It runs
   * where jobs are enqueued, for tasks without a schema too.
   */
  readonly validate?: PayloadValidator;
  /** How large a payload may be, in bytes of JSON. Default 1 MiB. */
  readonly maxPayloadBytes?: number;
  /**
   * For tests: the time that decides about jobs, in milliseconds since the epoch, in place of the database's clock. It may
   * stand still and jump. Everything that works on the schema must have the same one.
   */
  readonly clock?: Clock;
}

/** The names of these tasks. */
export type NameOf<Tasks extends readonly AnyTask[]> = Tasks[number]["name"];
/** The payload that the task of a name takes. */
export type InputOf<Tasks extends readonly AnyTask[], Name extends string> =
  Extract<Tasks[number], { readonly name: Name }> extends {
    job(...rest: never[]): JobRequest<infer Input>;
  }
    ? Input
    : never;
/** What may be given where a serializer carries it. */
export type Carried<Input, Codec> = undefined extends Codec ? JsonCompatible<Input> : Input;

/** The options that there are. */
export const knownOptions = [
  "database",
  "tasks",
  "schema",
  "serializer",
  "generateId",
  "validate",
  "maxPayloadBytes",
  "clock",
] as const;
