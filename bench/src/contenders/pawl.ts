import { Client, Pool, type PoolClient } from "pg";
import { defineTask, Pawl, typed, type JobRequest } from "pawl";
import type {
  BenchJob,
  Contender,
  HandlerKind,
  OpenContender,
  Place,
  WorkOptions,
} from "./contender.ts";

/** Ourselves. */
export const pawl: Contender = {
  name: "pawl",
  server: "postgres",
  lacks: {},
  settings: {
    best: "`concurrency: 100`, a pool of at most 110 connections",
    defaults: "none given: `concurrency` is 10, the pool has 10 connections",
  },
  claimStatement: "%claim_jobs(%",
  open: (place) => Promise.resolve(new OpenPawl(place)),
};

type Payload = Readonly<Record<"n", number>>;

const noop = defineTask({ name: "noop", payload: typed<Payload>() });
const write = defineTask({ name: "write", payload: typed<Payload>(), transactional: true });

class OpenPawl implements OpenContender {
  readonly #url: string;
  readonly #pool: Pool | undefined;
  readonly #pawl: Pawl;
  readonly #isBest: boolean;
  readonly #queues: readonly string[];
  readonly #handler: HandlerKind;

  constructor({ url, settings, queues, handler }: Place) {
    this.#url = url;
    this.#isBest = settings === "best";
    this.#pool = this.#isBest ? new Pool({ connectionString: url, max: 110 }) : undefined;
    this.#pawl = new Pawl({ database: this.#pool ?? url });
    this.#queues = Array.from({ length: queues }, (_, number) => queueName(number));
    this.#handler = handler;
  }

  async install(): Promise<void> {
    await this.#pawl.migrate();
  }

  async separateMachines(): Promise<void> {
    const client = new Client({ connectionString: this.#url });
    await client.connect();
    await client.query("update pawl.workers set machine = null");
    await client.end();
  }

  async enqueueMany(jobs: readonly BenchJob[]): Promise<void> {
    await this.#pawl.enqueueMany(jobs.map((job) => this.#requestOf(job)));
  }

  async enqueue(job: BenchJob): Promise<void> {
    await this.#pawl.enqueue(noop, { n: job.n });
  }

  async enqueueIn(client: PoolClient, job: BenchJob): Promise<void> {
    await this.#pawl.enqueue(noop, { n: job.n }, { db: client });
  }

  async work({ concurrency, onStart }: WorkOptions): Promise<() => Promise<void>> {
    const worker = this.#pawl.worker({
      ...(concurrency !== undefined || this.#isBest ? { concurrency: concurrency ?? 100 } : {}),
      queues: this.#queues,
      handlers: [
        noop.handle(({ payload }) => {
          onStart(payload.n);
          return this.#handler === "hang" ? new Promise(() => undefined) : undefined;
        }),
        write.handle(async ({ payload, tx }) => {
          onStart(payload.n);
          await tx.query("insert into effects (n) values ($1)", [payload.n]);
        }),
      ],
    });
    await worker.start();
    return () => worker.stop();
  }

  async close(): Promise<void> {
    await this.#pawl.close();
    await this.#pool?.end();
  }

  get #task() {
    return this.#handler === "write" ? write : noop;
  }

  #requestOf({ n, queue, delayMs, concurrencyKey, rateLimitKey }: BenchJob): JobRequest {
    return this.#task.job(
      { n },
      {
        ...(queue === undefined ? { queue: queueName(0) } : { queue: queueName(queue) }),
        ...(delayMs === undefined ? {} : { delay: delayMs }),
        ...(concurrencyKey === undefined ? {} : { concurrency: { key: concurrencyKey } }),
        ...(rateLimitKey === undefined ? {} : { rateLimit: rateLimitOf(rateLimitKey) }),
      },
    );
  }
}

function queueName(number: number): string {
  return number === 0 ? "default" : `queue-${number}`;
}

/** More than any run has jobs: what is measured is the limit's cost, not its effect. */
function rateLimitOf(key: string) {
  return { key, capacity: 1_000_000, interval: "1s" } as const;
}
