import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { openDatabase } from "./adapters/open-database.ts";
import { ConcurrencyKeys } from "./client/concurrency-keys.ts";
import { Enqueuer, type EnqueueResult } from "./client/enqueuer.ts";
import { Jobs } from "./client/jobs.ts";
import { Queues } from "./client/queues.ts";
import { Tasks as KnownTasks } from "./client/tasks.ts";
import { Workers } from "./client/workers.ts";
import { RateLimits } from "./client/rate-limits.ts";
import type { Clock } from "./core/clock.ts";
import type { EnqueueOptions } from "./core/enqueue-options.ts";
import { ClosedError } from "./core/errors.ts";
import { checkKeys, taskName, text } from "./core/options.ts";
import type { Serializer } from "./core/serializer.ts";
import { unknownTask } from "./core/task-registry.ts";
import {
  defineTask,
  isTask,
  type AnyTask,
  type HandlerEnqueue,
  type JobRequest,
  type PayloadArguments,
  type Task,
} from "./core/task.ts";
import { createUuidV7 } from "./core/uuid.ts";
import { ClockedDatabase } from "./db/clocked-database.ts";
import type { Database } from "./db/database.ts";
import { checkSchema, migrate, uninstall, type MigrateOptions } from "./db/migrate.ts";
import { makeSearchableIndexes } from "./db/searchable-indexes.ts";
import { statements } from "./db/statements.ts";
import { History } from "./history/history.ts";
import { Maintenance } from "./maintenance/maintenance.ts";
import { Upkeep } from "./maintenance/upkeep.ts";
import { announceEnqueued, logPawl, reportError, type PawlEvents } from "./pawl-events.ts";
import type { PawlInternals } from "./pawl-internals.ts";
import {
  checkPawlOptions,
  type Carried,
  type CheckedPawlOptions,
  type InputOf,
  type NameOf,
  type PawlOptions,
} from "./pawl-options.ts";
import type { ClaimedJob } from "./store/claimed-job.ts";
import { measure, type Measurement } from "./store/measurements.ts";
import { historyPolicyOf } from "./store/settles.ts";
import { storeOn, type Store } from "./store/store.ts";
import { ManualClaimer } from "./worker/manual-claimer.ts";
import { ManualWorkers } from "./worker/manual-workers.ts";
import { logWorker } from "./worker/log-worker.ts";
import { paceOf } from "./worker/pace.ts";
import { Slots } from "./worker/slots.ts";
import { workOnce, type WorkOnceResult } from "./worker/work-once.ts";
import { checkWorkerOptions, type WorkerOptions } from "./worker/worker-options.ts";
import { Worker } from "./worker/worker.ts";

const { version } = createRequire(import.meta.url)("../package.json") as { version: string }; // our own
const day = 86_400_000;
const historyRetentionMs = 30 * day;
const enqueueRetryMs = 15_000;
const controlConnections = 3;
// Handlers may use the application's connections beside their transactions.
const spareConnections = 2;

/**
 * Durable background jobs on a PostgreSQL database. It connects when it is first used.
 *
 * ```ts
 * const pawl = new Pawl({ database: "postgres://localhost/app", tasks: [sendEmail] });
 * await pawl.migrate();
 * await pawl.enqueue(sendEmail, { to: "ada@example.com" });
 * ```
 */
export class Pawl<
  const Tasks extends readonly AnyTask[] = readonly [],
  Codec extends Serializer | undefined = undefined,
> extends EventEmitter<PawlEvents> {
  /** The live jobs, and what may be done to them by hand. */
  readonly jobs: Jobs;
  /** The queues: what waits in them; pause and resume. */
  readonly queues: Queues;
  /** The tasks as the database knows them: what waits of them; pause and resume. */
  readonly tasks: KnownTasks;
  /** The concurrency keys: what runs and waits for them. */
  readonly concurrencyKeys: ConcurrencyKeys;
  /** What became of jobs. */
  readonly history: History;
  /** The workers of all processes. */
  readonly workers: Workers;
  /** Named budgets of starts. */
  readonly rateLimits: RateLimits;
  /** What workers do by themselves, done by hand. */
  readonly maintenance: Maintenance;
  /** The database schema that holds Pawl's tables. */
  readonly schema: string;
  readonly #store: Store<Database>;
  readonly #ownsDatabase: boolean;
  readonly #options: CheckedPawlOptions;
  readonly #enqueuer: Enqueuer;
  readonly #manualWorkers: ManualWorkers;
  readonly #workers = new Set<Worker>();
  readonly #slots: Slots;
  readonly #newId: () => string;
  #isClosed = false;

  /** Throws `OptionError` and `TaskError`. */
  constructor(options: PawlOptions<Tasks, Codec> = {}) {
    super();
    this.#options = checkPawlOptions(options);
    const { schema, tasks, serializer, clock, logger, instrumentation } = this.#options;
    this.schema = schema;
    const { database, isOurs } = openDatabase(options.database);
    this.#ownsDatabase = isOurs;
    const db = clock === undefined ? database : new ClockedDatabase(database, clock);
    this.#store = { sql: statements(schema), db };
    this.#newId = createUuidV7(clock ?? Date.now);
    this.#slots = new Slots(Math.max(1, database.maxConnections - spareConnections));
    this.#manualWorkers = this.#makeManualWorkers();
    const claimer = new ManualClaimer(this.#manualWorkers, {
      store: this.#store,
      serializer,
      random: Math.random,
      taskOf: (name) => tasks.get(name) ?? defineTask({ name }),
    });
    this.jobs = new Jobs(this.#store, {
      serializer,
      claims: claimer,
      replay: (finished, db) => this.history.replayJobs(finished, db),
    });
    this.queues = new Queues(this.#store);
    this.tasks = new KnownTasks(this.#store);
    this.concurrencyKeys = new ConcurrencyKeys(this.#store);
    this.workers = new Workers(this.#store);
    this.rateLimits = new RateLimits(this.#store);
    this.maintenance = new Maintenance(this.#store, {
      retentionMs: historyRetentionMs,
      schema: this.schema,
      tasks: [...tasks.values()],
    });
    this.history = new History(this.#store, {
      serializer,
      tasks,
      enqueue: (requests, db) => this.#enqueuer.enqueueMany(requests, db),
    });
    this.#enqueuer = new Enqueuer(this.#store, {
      preparation: { ...this.#options, newId: this.#newId },
      schema,
      retryForMs: enqueueRetryMs,
      random: Math.random,
      instrumentation,
      onEnqueued: (results) => {
        announceEnqueued(this, results);
      },
    });
    if (logger !== undefined) logPawl(this, logger);
  }

  /** @internal What the dashboard reads and writes with. */
  get internals(): PawlInternals {
    const { tasks, serializer } = this.#options;
    const report = reportError.bind(undefined, this, "pawl dashboard");
    return { store: this.#store, tasks, serializer, version, report };
  }

  /** The workers made by `pawl.worker` that have not ended. */
  get ownWorkers(): readonly Worker[] {
    return [...this.#workers];
  }

  /**
   * Brings the schema up to date, and the indexes of the paths that the tasks declare `searchable`; idempotent, and safe from
   * many processes at once. With `grantTo`, a role of that name may then use it. Throws `SchemaError`, `OptionError` and
   * `DatabaseError`.
   */
  async migrate(options: MigrateOptions = {}): Promise<{ from: number; to: number }> {
    checkKeys("migrate", options, ["grantTo"]);
    if (options.grantTo !== undefined) text("grantTo", options.grantTo);
    const versions = await migrate(this.#store.db, this.schema, options);
    await makeSearchableIndexes(this.#store.db, this.schema, [...this.#options.tasks.values()]);
    return versions;
  }

  /** Removes everything that `migrate` made, with all jobs and history, and nothing else. */
  uninstall(): Promise<void> {
    return uninstall(this.#store.db, this.schema);
  }

  /**
   * Enqueues one job; in the caller's transaction when `db` is given. The promise resolves when the job is durable (with
   * `db`: when it is written). Throws `PayloadError`, `OptionError`, `TaskError`, `TransactionError` and `DatabaseError`.
   */
  enqueue<Name extends string, Input, Output, Tx>(
    task: Task<Name, Input, Output, Tx>,
    ...rest: PayloadArguments<Carried<NoInfer<Input>, Codec>, EnqueueOptions>
  ): Promise<EnqueueResult>;
  enqueue<Name extends NameOf<Tasks>>(
    name: Name,
    ...rest: PayloadArguments<Carried<InputOf<Tasks, Name>, Codec>, EnqueueOptions>
  ): Promise<EnqueueResult>;
  async enqueue(
    task: AnyTask | string,
    payload?: unknown,
    options: EnqueueOptions = {},
  ): Promise<EnqueueResult> {
    const { tasks } = this.#options;
    const known = isTask(task) ? task : tasks.get(task);
    if (known === undefined) throw unknownTask(task as string, tasks);
    return this.#enqueuer.enqueue({ task: known, payload, options });
  }

  /** Enqueues a job of a task of which only the name is known. A known task's schema and defaults apply. */
  async enqueueByName(
    name: string,
    payload?: unknown,
    options: EnqueueOptions = {},
  ): Promise<EnqueueResult> {
    const task = this.#options.tasks.get(name) ?? defineTask({ name: taskName("name", name) });
    return this.#enqueuer.enqueue({ task, payload, options });
  }

  /**
   * Enqueues jobs made with `task.job(…)`, all or none, and returns them in order. Every payload is checked before any
   * is written. Throws as `enqueue` does.
   */
  async enqueueMany<const Requests extends readonly JobRequest[]>(
    requests: Requests & {
      [Place in keyof Requests]: Requests[Place] extends JobRequest<infer Input>
        ? JobRequest<Carried<Input, Codec>>
        : never;
    },
    options: Pick<EnqueueOptions, "db"> = {},
  ): Promise<EnqueueResult[]> {
    checkKeys("enqueueMany", options, ["db"]);
    return this.#enqueuer.enqueueMany(requests, options.db); // the same, seen without its types
  }

  /** A worker, which does not start by itself. Throws `OptionError` and `TaskError`. */
  worker(options: WorkerOptions = {}): Worker {
    this.#assertOpen();
    const { tasks, serializer, clock, instrumentation } = this.#options;
    const checked = checkWorkerOptions(options, [...tasks.values()]);
    const control = this.#openControl();
    const worker = new Worker(
      {
        options: checked,
        schema: this.schema,
        version,
        retentionMs: historyRetentionMs,
        ...{ serializer, instrumentation },
        random: Math.random,
        newId: this.#newId,
        pace: paceOf(checked, clock),
        store: this.#store,
        control,
        slots: this.#slots,
        enqueueFor: (job, tx) => this.#enqueueFor(job, tx),
        makeUpkeep: (onError) => makeUpkeep(control, { ...checked, clock, onError }),
      },
      () => checkSchema(control.db, this.schema),
    );
    this.#workers.add(worker);
    void worker.finished.then(() => this.#workers.delete(worker));
    const logger = checked.logger ?? this.#options.logger;
    if (logger !== undefined) logWorker(worker, logger, checked.name);
    this.emit("worker", worker);
    return worker;
  }

  /**
   * Runs one job in one transaction, without a worker: `null` when there is none, `{ job }` when it is done, `{ job, error }`
   * when it failed, which is recorded and not thrown. When the process dies in it, the job is there again at once. Throws
   * `OptionError`, `TaskError`, `SchemaError` and `DatabaseError`.
   */
  async workOnce(
    options: Pick<WorkerOptions, "queues" | "handlers" | "tasks" | "forbiddenFlags"> = {},
  ): Promise<WorkOnceResult | null> {
    this.#assertOpen();
    checkKeys("workOnce", options, ["queues", "handlers", "tasks", "forbiddenFlags"]);
    const { tasks, serializer, instrumentation } = this.#options;
    const { queues, handlers, forbiddenFlags } = checkWorkerOptions(options, [...tasks.values()]);
    return workOnce(this.#store, {
      queues,
      handlers,
      forbiddenFlags,
      workerId: this.#newId(),
      ...{ serializer, instrumentation },
      random: Math.random,
      enqueueFor: (job, tx) => this.#enqueueFor(job, tx),
    });
  }

  /**
   * Measures what waits in each queue, and counts the workers, at a price that does not grow with the number of jobs: no count
   * goes beyond 10,000. Throws `DatabaseError`, also when a statement takes longer than 2 seconds.
   */
  measure(): Promise<Measurement> {
    return measure(this.#store);
  }

  /**
   * Ends what this Pawl opened: its workers, and the connections it made; jobs claimed by hand go back. A pool of yours
   * stays open.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
    await Promise.all([this.#enqueuer.close(), this.#manualWorkers.close()]);
    if (this.#ownsDatabase) await this.#store.db.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #assertOpen(): void {
    if (!this.#isClosed) return;
    throw new ClosedError("expected an open Pawl, got one that is closed; make a new one");
  }

  #openControl(): Store<Database> {
    return storeOn(this.#store, this.#store.db.dedicated(controlConnections));
  }

  #makeManualWorkers(): ManualWorkers {
    return new ManualWorkers({
      ...{ schema: this.schema, version },
      historyOf: ({ task }) => historyPolicyOf(this.#options.tasks.get(task)),
      random: Math.random,
      newId: this.#newId,
      hasOwnClock: this.#options.clock !== undefined,
      openControl: () => this.#openControl(),
      assertSchema: (control) => checkSchema(control.db, this.schema),
      makeUpkeep: (control, leaseMs, onError) =>
        makeUpkeep(control, {
          ...{ leaseMs, unknownTaskGraceMs: day, clock: this.#options.clock, onError },
        }),
      onError: (name, error) => {
        reportError(this, `pawl worker "${name}"`, error);
      },
    });
  }

  #enqueueFor(job: ClaimedJob, tx: unknown): HandlerEnqueue {
    return (task, ...rest) => {
      const [payload, given] = rest as [unknown, EnqueueOptions?]; // what the arguments' type spells out
      const inherited = job.correlationId === null ? {} : { correlationId: job.correlationId };
      // In a transactional handler, the handle of its own transaction.
      const joined = tx === undefined ? {} : { db: tx as object };
      const options = { ...inherited, ...given, ...joined };
      return this.#enqueuer.enqueue({ task, payload, options });
    };
  }
}

function makeUpkeep(
  control: Store<Database>,
  options: {
    readonly leaseMs: number;
    readonly unknownTaskGraceMs: number;
    readonly clock: Clock | undefined;
    readonly onError: (error: unknown) => void;
  },
): Upkeep {
  const { leaseMs, unknownTaskGraceMs, clock, onError } = options;
  return new Upkeep(control, {
    ...{ leaseMs, unknownTaskGraceMs, clock, onError },
    retentionMs: historyRetentionMs,
    random: Math.random,
  });
}
