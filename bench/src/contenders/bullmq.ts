import { Pool } from "pg";
import {
  PostgresBackend,
  RedisBackend,
  type Backend,
  type BullmqQueue,
  type Process,
} from "./bullmq-backends.ts";
import type { BenchJob, Contender, OpenContender, Place, WorkOptions } from "./contender.ts";

const paidGroups = {
  "concurrency keys": "groups with a concurrency are in BullMQ Pro, which is paid for",
  "rate limit keys":
    "a rate limit is of a whole queue; groups with a rate limit each are in BullMQ Pro, which is paid for",
} as const;

/** BullMQ 6.7 on its PostgreSQL backend. */
export const bullmqOnPostgres: Contender = {
  name: "bullmq-postgres",
  server: "postgres",
  lacks: {
    ...paidGroups,
    "enqueue in a transaction":
      "jobs are added by the queue's own pool only; its documentation offers nothing in its place",
    "many queues":
      "a worker serves one queue and holds a connection of its own to LISTEN on: 1,000 queues are 1,000 connections",
  },
  settings: {
    best: "`concurrency: 100`, `removeOnComplete: true`, pools of at most 20 connections",
    defaults: "none given: `concurrency` is 1, completed jobs are kept, pools have 10 connections",
  },
  // It takes the first jobs by the function move_to_active, and further ones while completing.
  claimStatement: "SELECT * FROM move_to_%",
  open: (place) => Promise.resolve(new OpenBullmq(place, new PostgresBackend(place), place.url)),
};

/** BullMQ 6.7 on Redis. */
export const bullmqOnRedis: Contender = {
  name: "bullmq-redis",
  server: "redis",
  lacks: {
    ...paidGroups,
    "enqueue in a transaction":
      "its jobs are in Redis, outside of any transaction of the database; its documentation offers nothing in its place",
  },
  settings: {
    best:
      "`concurrency: 100`, `removeOnComplete: true`, one connection for all queues and workers of a process but for " +
      "those that each worker blocks on",
    defaults: "none given: `concurrency` is 1, completed jobs are kept",
  },
  open: (place) => Promise.resolve(new OpenBullmq(place, new RedisBackend(place), effectsUrl())),
};

class OpenBullmq implements OpenContender {
  readonly #place: Place;
  readonly #backend: Backend;
  readonly #effectsUrl: string | undefined;
  readonly #queues = new Map<number, BullmqQueue>();

  constructor(place: Place, backend: Backend, effectsUrl: string | undefined) {
    this.#place = place;
    this.#backend = backend;
    this.#effectsUrl = effectsUrl;
  }

  async install(): Promise<void> {
    await this.#backend.install();
  }

  async enqueueMany(jobs: readonly BenchJob[]): Promise<void> {
    const bulks = new Map<number, ReturnType<typeof bulkJobOf>[]>();
    for (const job of jobs) {
      const { queue = 0 } = job;
      const others = bulks.get(queue);
      if (others === undefined) bulks.set(queue, [bulkJobOf(job)]);
      else others.push(bulkJobOf(job));
    }
    await Promise.all([...bulks].map(([queue, bulk]) => this.#queue(queue).addBulk(bulk)));
  }

  async enqueue(job: BenchJob): Promise<void> {
    const { name, data, opts } = bulkJobOf(job);
    await this.#queue(job.queue ?? 0).add(name, data, opts);
  }

  async work(options: WorkOptions): Promise<() => Promise<void>> {
    const { queues, settings } = this.#place;
    const concurrency = options.concurrency ?? (settings === "best" ? 100 : undefined);
    const effects = new Pool({ connectionString: this.#effectsUrl, max: concurrency ?? 1 });
    const process = this.#process(effects, (n) => options.onStart(n));
    const workers = Array.from({ length: queues }, (_, number) =>
      this.#backend.openWorker(queueName(number), process, concurrency),
    );
    await Promise.all(workers.map((worker) => worker.waitUntilReady()));
    return async () => {
      await Promise.all(workers.map((worker) => worker.close()));
      await effects.end();
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
    await this.#backend.close();
  }

  #queue(number: number): BullmqQueue {
    const open = this.#queues.get(number);
    if (open !== undefined) return open;
    const queue = this.#backend.openQueue(queueName(number));
    this.#queues.set(number, queue);
    return queue;
  }

  #process(effects: Pool, onStart: (n: number) => void): Process {
    return async ({ data: { n } }) => {
      onStart(n);
      if (this.#place.handler === "hang") await new Promise(() => undefined);
      if (this.#place.handler === "write") await write(effects, n);
    };
  }
}

function queueName(number: number): string {
  return `queue-${number}`;
}

function bulkJobOf({ n, delayMs }: BenchJob) {
  return { name: "noop", data: { n }, opts: delayMs === undefined ? {} : { delay: delayMs } };
}

/** In no transaction with the job's completion: BullMQ completes by its own connections. */
async function write(effects: Pool, n: number): Promise<void> {
  const client = await effects.connect();
  try {
    await client.query("begin");
    await client.query("insert into effects (n) values ($1)", [n]);
    await client.query("commit");
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** What is in Redis has its effects in a database of PostgreSQL. */
function effectsUrl(): string | undefined {
  return process.env.EFFECTS_URL;
}
