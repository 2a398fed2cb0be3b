import type { PoolLike } from "./adapters/pg.ts";
import { checkClock, type Clock } from "./core/clock.ts";
import { checkInstrumentation, type Instrumentation } from "./core/instrumentation.ts";
import { checkLogger, type Logger } from "./core/logger.ts";
import { callable, checkKeys, optional, positiveInteger, schemaName } from "./core/options.ts";
import { defaultMaxPayloadBytes, type JsonCompatible } from "./core/payload.ts";
import { checkSerializer, jsonSerializer, type Serializer } from "./core/serializer.ts";
import { registerTasks } from "./core/task-registry.ts";
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
  /** Stands around enqueues and attempts: `otel()` of `pawl/otel`. Default: none. */
  readonly instrumentation?: Instrumentation;
  /** What this Pawl and its workers log with: pino, or anything of its shape. No record carries a payload. Default: none. */
  readonly logger?: Logger;
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

/** The same, checked and with defaults; what opens connections is left to its adapter. */
export interface CheckedPawlOptions {
  readonly tasks: ReadonlyMap<string, AnyTask>;
  readonly schema: string;
  readonly serializer: Serializer;
  readonly generateId: (() => string) | undefined;
  readonly validate: PayloadValidator | undefined;
  readonly maxPayloadBytes: number;
  readonly clock: Clock | undefined;
  readonly instrumentation: Instrumentation | undefined;
  readonly logger: Logger | undefined;
}

const knownOptions = [
  "database",
  "tasks",
  "schema",
  "serializer",
  "generateId",
  "validate",
  "maxPayloadBytes",
  "clock",
  "instrumentation",
  "logger",
] as const;

/** Checks the options of a Pawl. Throws `OptionError` and `TaskError`. */
export function checkPawlOptions(options: PawlOptions<readonly AnyTask[]>): CheckedPawlOptions {
  checkKeys("Pawl", options, knownOptions);
  return {
    schema: schemaName("schema", options.schema ?? "pawl"),
    tasks: registerTasks(options.tasks ?? []),
    serializer: checkSerializer(options.serializer ?? jsonSerializer),
    generateId: optional(options.generateId, (given) => callable("generateId", given)),
    validate: optional(options.validate, (given) => callable("validate", given)),
    maxPayloadBytes: positiveInteger(
      "maxPayloadBytes",
      options.maxPayloadBytes ?? defaultMaxPayloadBytes,
    ),
    clock: optional(options.clock, (given) => checkClock("clock", given)),
    instrumentation: optional(options.instrumentation, (given) =>
      checkInstrumentation("instrumentation", given),
    ),
    logger: optional(options.logger, (given) => checkLogger("logger", given)),
  };
}
