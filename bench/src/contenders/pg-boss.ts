import { Pool, type PoolClient } from "pg";
import { PgBoss, type Db, type Job, type Queue, type WorkOptions as Fetching } from "pg-boss";
import type { BenchJob, Contender, OpenContender, Place, WorkOptions } from "./contender.ts";

/** pg-boss 12.28. */
export const pgBoss: Contender = {
  name: "pg-boss",
  server: "postgres",
  lacks: {
    "rate limit keys":
      "it limits how many jobs are sent, not how fast they start: `sendThrottled` and `sendDebounced` drop those " +
      "above one job per key and interval",
  },
  settings: {
    best:
      "`batchSize: 1000`, `localConcurrency: 2`, `burstWhenBatchFull: true`, `orderByCreatedOn: false`, " +
      "`priority: false`, `useListenNotify: true`, polling every 0.5 s (the least it allows) all the same, " +
      "a pool of at most 100 connections; its queue has `notify: true`, `partition: true` and `heartbeatSeconds: 30`. " +
      "With many queues, `localConcurrency: 1`, polling every 30 s and no `partition`. Jobs with a key: " +
      "`policy: key_strict_fifo`, `localConcurrency: 1`",
    defaults:
      "none given: one job is fetched every 2 seconds; `localConcurrency` only where a scenario sets the concurrency, " +
      "`policy: key_strict_fifo` for jobs with a key",
  },
  claimStatement: "%heartbeat_on = now(),%",
  open: (place) => OpenPgBoss.open(place),
};

interface Payload {
  readonly n: number;
}

type Jobs = readonly Job<Payload>[];

/**
 * Jobs with a concurrency key are in a queue of their own: its policy takes no jobs without a key, and the group
 * concurrency that needs no policy may be exceeded, as its documentation warns. The first of them makes the queue, so
 * it must be sent before `work()`.
 */
const keyedQueue = "keyed";

class OpenPgBoss implements OpenContender {
  readonly #place: Place;
  readonly #boss: PgBoss;
  readonly #queues: readonly string[];
  #keyed: Promise<void> | undefined;

  private constructor(place: Place) {
    const best = { max: 100, useListenNotify: true };
    this.#place = place;
    this.#boss = new PgBoss({ connectionString: place.url, ...(isBest(place) ? best : {}) });
    this.#boss.on("error", endProcess);
    this.#queues = Array.from({ length: place.queues }, (_, number) => queueName(number));
  }

  static async open(place: Place): Promise<OpenPgBoss> {
    const opened = new OpenPgBoss(place);
    await opened.#boss.start();
    return opened;
  }

  async install(): Promise<void> {
    const options = queueOptions(this.#place);
    for (const queue of this.#queues) await this.#boss.createQueue(queue, options);
  }

  async enqueueMany(jobs: readonly BenchJob[]): Promise<void> {
    const inserts = new Map<string, object[]>();
    for (const job of jobs) {
      const queue = await this.#queueOf(job);
      const insert = { data: { n: job.n }, ...optionsOf(job) };
      const others = inserts.get(queue);
      if (others === undefined) inserts.set(queue, [insert]);
      else others.push(insert);
    }
    await Promise.all([...inserts].map(([queue, its]) => this.#boss.insert(queue, its)));
  }

  async enqueue(job: BenchJob): Promise<void> {
    await this.#boss.send(await this.#queueOf(job), { n: job.n }, optionsOf(job));
  }

  async enqueueIn(client: PoolClient, job: BenchJob): Promise<void> {
    const options = { ...optionsOf(job), db: databaseOf(client) };
    await this.#boss.send(await this.#queueOf(job), { n: job.n }, options);
  }

  async work(options: WorkOptions): Promise<() => Promise<void>> {
    const isKeyed = (await this.#boss.getQueue(keyedQueue)) !== null;
    const queues = isKeyed ? [...this.#queues, keyedQueue] : this.#queues;
    const effects = new Pool({
      connectionString: this.#place.url,
      max: options.concurrency ?? 10,
    });
    const handler = this.#handler(effects, (n) => options.onStart(n));
    await Promise.all(
      queues.map((queue) => {
        const fetching = fetchingOf(this.#place, queue, options.concurrency);
        return this.#startLoops(queue, fetching, (jobs) => handler(queue, jobs));
      }),
    );
    return async () => {
      await Promise.all(queues.map((queue) => this.#boss.offWork(queue)));
      await effects.end();
    };
  }

  async close(): Promise<void> {
    await this.#boss.stop();
  }

  async #queueOf({ queue = 0, concurrencyKey }: BenchJob): Promise<string> {
    if (concurrencyKey === undefined) return queueName(queue);
    this.#keyed ??= this.#boss.createQueue(keyedQueue, {
      ...queueOptions(this.#place),
      policy: "key_strict_fifo",
    });
    await this.#keyed;
    return keyedQueue;
  }

  #handler(effects: Pool, onStart: (n: number) => void) {
    return async (queue: string, jobs: Jobs): Promise<void> => {
      if (this.#place.handler === "write") return this.#write(effects, queue, jobs, onStart);
      for (const { data } of jobs) onStart(data.n);
      if (this.#place.handler === "hang") await new Promise(() => undefined);
    };
  }

  /**
   * Completes the jobs in the transaction of their effects, so that each takes effect once; what `work()` then does to
   * complete them changes no row. One transaction for the whole batch: a batch is what a handler is given, and fails as
   * a whole anyway. It is faster than one for each job, even than one for each that completes nothing.
   */
  async #write(effects: Pool, queue: string, jobs: Jobs, onStart: (n: number) => void) {
    const client = await effects.connect();
    try {
      await client.query("begin");
      for (const { data } of jobs) {
        onStart(data.n);
        await client.query("insert into effects (n) values ($1)", [data.n]);
      }
      const ids = jobs.map(({ id }) => id);
      await this.#boss.complete(queue, ids, null, { db: databaseOf(client) });
      await client.query("commit");
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  async #startLoops(queue: string, fetching: Fetching, handle: (jobs: Jobs) => Promise<void>) {
    const { batchSize = 1 } = fetching;
    // `burstWhenBatchFull` does nothing for batches of one, nor for those that hold one job of each key: it would wait
    // for the next poll after each.
    const fetchesAgain = isBest(this.#place) && (batchSize === 1 || queue === keyedQueue);
    const id = await this.#boss.work<Payload>(queue, fetching, async (jobs) => {
      await handle(jobs);
      if (fetchesAgain) this.#boss.notifyWorker(id);
    });
  }
}

function isBest({ settings }: Place): boolean {
  return settings === "best";
}

function queueName(number: number): string {
  return `queue-${number}`;
}

function queueOptions(place: Place): Omit<Queue, "name"> {
  if (!isBest(place)) return {};
  // A partition is a table with its own indexes, which a thousand queues had better share.
  return { notify: true, heartbeatSeconds: 30, partition: place.queues === 1 };
}

/** Each queue fetches, and limits its concurrency, by itself. */
function fetchingOf(place: Place, queue: string, concurrency: number | undefined): Fetching {
  if (!isBest(place)) return concurrency === undefined ? {} : { localConcurrency: concurrency };
  const hasOneLoop = concurrency !== undefined || place.queues > 1 || queue === keyedQueue;
  return {
    batchSize: concurrency ?? 1_000,
    localConcurrency: hasOneLoop ? 1 : 2,
    burstWhenBatchFull: true,
    orderByCreatedOn: false,
    priority: false,
    pollingIntervalSeconds: 0.5,
    // Nothing is notified of a delayed job that becomes due; but a thousand queues that poll would do little else.
    notifyPollingIntervalSeconds: place.queues === 1 ? 0.5 : 30,
  };
}

function optionsOf({ delayMs, concurrencyKey }: BenchJob) {
  return {
    ...(delayMs === undefined ? {} : { startAfter: new Date(Date.now() + delayMs) }),
    ...(concurrencyKey === undefined ? {} : { singletonKey: concurrencyKey }),
  };
}

function databaseOf(client: PoolClient): Db {
  return { executeSql: (text, values) => client.query(text, values) };
}

/** Not from within the listener, whose caller might catch it. */
function endProcess(error: Error): void {
  queueMicrotask(() => {
    throw error;
  });
}
