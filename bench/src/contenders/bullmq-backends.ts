import { createPostgresBackend, Queue, runMigrations, Worker, type JobsOptions } from "bullmq";
import { Redis } from "ioredis";
import { Client } from "pg";
import type { Place } from "./contender.ts";

export interface Payload {
  readonly n: number;
}

export interface BulkJob {
  readonly name: string;
  readonly data: Payload;
  readonly opts: JobsOptions;
}

export type Process = (job: { readonly data: Payload }) => Promise<void>;

/** A `Queue`, whatever it is on. */
export interface BullmqQueue {
  add(name: string, data: Payload, options: JobsOptions): Promise<unknown>;
  addBulk(jobs: BulkJob[]): Promise<unknown>;
  close(): Promise<void>;
}

/** A `Worker`, whatever it is on. */
export interface BullmqWorker {
  waitUntilReady(): Promise<unknown>;
  /** Waits for the jobs that are running. */
  close(): Promise<void>;
}

/** What BullMQ keeps its jobs in. */
export interface Backend {
  install(): Promise<void>;
  openQueue(name: string): BullmqQueue;
  openWorker(name: string, process: Process, concurrency?: number): BullmqWorker;
  close(): Promise<void>;
}

export class PostgresBackend implements Backend {
  readonly #place: Place;
  readonly #connection: string | { connectionString: string; max: number };

  constructor(place: Place) {
    this.#place = place;
    const { url, settings } = place;
    this.#connection = settings === "best" ? { connectionString: url, max: 20 } : url;
  }

  async install(): Promise<void> {
    const client = new Client({ connectionString: this.#place.url });
    await client.connect();
    try {
      await runMigrations(client);
    } finally {
      await client.end();
    }
  }

  openQueue(name: string): BullmqQueue {
    const options = { connection: this.#connection, ...queueOptions(this.#place) };
    const queue = new Queue(name, options, createPostgresBackend);
    queue.on("error", endProcess);
    return queue;
  }

  openWorker(name: string, process: Process, concurrency?: number): BullmqWorker {
    const options = { connection: this.#connection, ...workerOptions(concurrency) };
    const worker = new Worker(name, process, options, createPostgresBackend);
    worker.on("error", endProcess);
    worker.on("failed", (_job, error) => endProcess(error));
    return worker;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export class RedisBackend implements Backend {
  readonly #place: Place;
  readonly #shared: Redis | undefined;

  constructor(place: Place) {
    this.#place = place;
    if (place.settings === "defaults") return;
    // As BullMQ requires of a connection for its workers.
    this.#shared = new Redis(place.url, { maxRetriesPerRequest: null });
    this.#shared.on("error", endProcess);
  }

  install(): Promise<void> {
    return Promise.resolve();
  }

  openQueue(name: string): BullmqQueue {
    const options = { connection: this.#connection, ...queueOptions(this.#place) };
    const queue = new Queue(name, options);
    queue.on("error", endProcess);
    return queue;
  }

  openWorker(name: string, process: Process, concurrency?: number): BullmqWorker {
    const options = { connection: this.#connection, ...workerOptions(concurrency) };
    const worker = new Worker(name, process, options);
    worker.on("error", endProcess);
    worker.on("failed", (_job, error) => endProcess(error));
    return worker;
  }

  async close(): Promise<void> {
    await this.#shared?.quit();
  }

  get #connection() {
    return this.#shared ?? { url: this.#place.url };
  }
}

function queueOptions({ settings }: Place) {
  return settings === "best" ? { defaultJobOptions: { removeOnComplete: true } } : {};
}

function workerOptions(concurrency: number | undefined) {
  return concurrency === undefined ? {} : { concurrency };
}

/** Not from within the listener, where BullMQ would catch it and go on. */
function endProcess(error: Error): void {
  queueMicrotask(() => {
    throw error;
  });
}
