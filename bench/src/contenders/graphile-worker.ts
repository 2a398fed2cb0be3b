import { Logger, makeWorkerUtils, run, type Task, type WorkerUtils } from "graphile-worker";
import type { PoolClient } from "pg";
import type {
  BenchJob,
  Contender,
  HandlerKind,
  OpenContender,
  Place,
  WorkOptions,
} from "./contender.ts";

/** graphile-worker 0.18. */
export const graphileWorker: Contender = {
  name: "graphile-worker",
  server: "postgres",
  lacks: {
    "rate limit keys": "it has no rate limits",
  },
  settings: {
    best:
      "`concurrentJobs: 24`, `localQueue: { size: 500 }`, `completeJobBatchDelay: 0`, `failJobBatchDelay: 0` " +
      "(its own performance page), `maxPoolSize: 26` for workers (its advice: `concurrentJobs + 2`), no logging",
    defaults: "none given but no logging: `concurrentJobs` is 1, jobs are fetched one by one",
  },
  claimStatement: "%for update skip locked%",
  open: (place) => Promise.resolve(new OpenGraphileWorker(place)),
};

const quiet = new Logger(() => () => undefined);
const mostJobsInACall = 10_000;

class OpenGraphileWorker implements OpenContender {
  readonly #place: Place;
  readonly #preset: GraphileConfig.Preset;
  #utils: Promise<WorkerUtils> | undefined;

  constructor(place: Place) {
    this.#place = place;
    this.#preset = { worker: { connectionString: place.url, logger: quiet } };
  }

  async install(): Promise<void> {
    const utils = await this.#openUtils();
    await utils.migrate();
  }

  async enqueueMany(jobs: readonly BenchJob[]): Promise<void> {
    const utils = await this.#openUtils();
    for (let from = 0; from < jobs.length; from += mostJobsInACall) {
      await utils.addJobs(jobs.slice(from, from + mostJobsInACall).map(specOf));
    }
  }

  async enqueue({ n }: BenchJob): Promise<void> {
    const utils = await this.#openUtils();
    await utils.addJob(taskName(0), { n });
  }

  async enqueueIn(client: PoolClient, { n }: BenchJob): Promise<void> {
    await client.query({
      name: "add_job",
      text: "select graphile_worker.add_job($1, $2::json)",
      values: [taskName(0), JSON.stringify({ n })],
    });
  }

  async work({ concurrency, onStart }: WorkOptions): Promise<() => Promise<void>> {
    const { queues, handler } = this.#place;
    const task = taskOf(handler, onStart);
    const taskList = Object.fromEntries(
      Array.from({ length: queues }, (_, number) => [taskName(number), task]),
    );
    const preset = { extends: [this.#preset], worker: workerSettings(this.#place, concurrency) };
    const runner = await run({ preset, taskList, noHandleSignals: true });
    return () => runner.stop();
  }

  async close(): Promise<void> {
    const utils = await this.#utils;
    await utils?.release();
  }

  #openUtils(): Promise<WorkerUtils> {
    this.#utils ??= makeWorkerUtils({ preset: this.#preset });
    return this.#utils;
  }
}

function workerSettings(
  { settings }: Place,
  concurrency: number | undefined,
): NonNullable<GraphileConfig.Preset["worker"]> {
  if (settings === "defaults") {
    return concurrency === undefined ? {} : { concurrentJobs: concurrency };
  }
  const concurrentJobs = concurrency ?? 24;
  return {
    concurrentJobs,
    maxPoolSize: concurrentJobs + 2,
    localQueue: { size: Math.max(500, concurrentJobs) },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  };
}

/** A worker of graphile-worker subscribes to tasks: what is a queue elsewhere is a task here. */
function taskName(queue: number): string {
  return queue === 0 ? "noop" : `noop-${queue}`;
}

function specOf({ n, queue, delayMs, concurrencyKey }: BenchJob) {
  return {
    identifier: taskName(queue ?? 0),
    payload: { n },
    ...(delayMs === undefined ? {} : { runAt: new Date(Date.now() + delayMs) }),
    // Jobs of a named queue run one after another.
    ...(concurrencyKey === undefined ? {} : { queueName: concurrencyKey }),
  };
}

function taskOf(handler: HandlerKind, onStart: (n: number) => void): Task {
  return async (payload, helpers) => {
    const { n } = payload as { readonly n: number };
    onStart(n);
    if (handler === "hang") await new Promise(() => undefined);
    if (handler !== "write") return;
    await helpers.withPgClient(async (client) => {
      await client.query("begin");
      await client.query("insert into effects (n) values ($1)", [n]);
      await client.query("commit");
    });
  };
}
