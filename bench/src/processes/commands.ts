import { Pool } from "pg";
import { contenderNamed } from "../contenders/all.ts";
import type { BenchJob, OpenContender, Place } from "../contenders/contender.ts";
import { firstTimed, Ledger, monotonicMs, type LedgerReport } from "./ledger.ts";

/** Which jobs to enqueue: `count` of them, numbered from `from`. */
export interface Batches {
  readonly from: number;
  readonly count: number;
  readonly batch: number;
  /** Spread over that many queues, concurrency keys, rate-limit keys. */
  readonly queues?: number;
  readonly concurrencyKeys?: number;
  readonly rateLimitKeys?: number;
  readonly delayMs?: number;
}

/** One by one, by so many callers at once, each waiting for its own. */
export interface Singles {
  readonly forMs: number;
  readonly callers: number;
  readonly isInTransaction: boolean;
}

export interface Produced {
  /** With those of the time before it counts. */
  readonly total: number;
  readonly count: number;
  readonly ms: number;
}

const warmUpMs = 1_000;

/** How late a timer may be. */
const timerSlackMs = 2;

/** What a process is using now. */
export interface Usage {
  readonly cpuMs: number;
  readonly peakMemoryMb: number;
  readonly memoryMb: number;
  readonly heapMb: number;
}

/** What the processes of a benchmark do when their parent says so. */
export class Commands {
  readonly #contender: OpenContender;
  readonly #url: string;
  readonly #ledger = new Ledger();
  #stopWork: (() => Promise<void>) | undefined;
  #finished = 0;
  readonly #producing = new AbortController();

  constructor(contender: OpenContender, url: string) {
    this.#contender = contender;
    this.#url = url;
  }

  static async open(name: string, place: Place): Promise<Commands> {
    return new Commands(await contenderNamed(name).open(place), place.url);
  }

  async install(): Promise<void> {
    await this.#contender.install();
  }

  async separateMachines(): Promise<void> {
    await this.#contender.separateMachines?.();
  }

  async enqueueMany({ from, count, batch, ...shape }: Batches): Promise<Produced> {
    const startedAt = performance.now();
    for (let at = from; at < from + count; at += batch) {
      await this.#contender.enqueueMany(jobsFrom(at, Math.min(batch, from + count - at), shape));
    }
    return { total: count, count, ms: performance.now() - startedAt };
  }

  /** Counts from a while after the start, when every connection has been made. */
  async enqueueSingly(singles: Singles): Promise<Produced> {
    const pool = new Pool({ connectionString: this.#url, max: singles.callers });
    try {
      const countFrom = performance.now() + warmUpMs;
      const until = countFrom + singles.forMs;
      let count = 0;
      let total = 0;
      const callers = Array.from({ length: singles.callers }, async () => {
        while (performance.now() < until) {
          await this.#enqueueOne(total++, singles, pool);
          if (performance.now() >= countFrom) count += 1;
        }
      });
      await Promise.all(callers);
      return { total, count, ms: performance.now() - countFrom };
    } finally {
      await pool.end();
    }
  }

  /** At a steady rate, whether or not those before are through; returns when each was sent, in milliseconds. */
  async enqueuePaced(rate: number, count: number): Promise<number[]> {
    const pending: Promise<void>[] = [];
    const sentAt: number[] = [];
    const startedAt = monotonicMs();
    while (sentAt.length < count) {
      const due = startedAt + (sentAt.length * 1000) / rate;
      const wait = due - monotonicMs();
      if (wait > 0) {
        await new Promise((resolve) => setTimeout(resolve, wait));
        continue;
      }
      // A call that this process has made late counts from when it was due.
      sentAt.push(-wait < timerSlackMs ? monotonicMs() : due);
      pending.push(this.#contender.enqueue({ n: firstTimed + sentAt.length - 1 }));
    }
    await Promise.all(pending);
    return sentAt;
  }

  /** Enqueues by the thousand whenever fewer than `ahead` jobs are waiting, until `stopProducing`; returns how many. */
  async keepAhead(ahead: number): Promise<number> {
    const { signal } = this.#producing;
    let produced = 0;
    while (!signal.aborted) {
      if (produced - this.#finished >= ahead) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        continue;
      }
      await this.#contender.enqueueMany(jobsFrom(produced, 1_000, {}));
      produced += 1_000;
    }
    return produced;
  }

  /** Tells `keepAhead` how many jobs have been executed. */
  finished(count: number): void {
    this.#finished = count;
  }

  stopProducing(): void {
    this.#producing.abort();
  }

  /** Each in a transaction that commits so many milliseconds later; returns when each began to commit. */
  async enqueueLate(count: number, commitAfterMs: number): Promise<number[]> {
    const enqueueIn = this.#contender.enqueueIn?.bind(this.#contender);
    if (enqueueIn === undefined) throw new Error("expected it to enqueue in a transaction");
    const pool = new Pool({ connectionString: this.#url, max: 1 });
    const client = await pool.connect();
    const committedAt: number[] = [];
    for (let index = 0; index < count; index += 1) {
      await client.query("begin");
      await enqueueIn(client, { n: firstTimed + index });
      await new Promise((resolve) => setTimeout(resolve, commitAfterMs));
      committedAt.push(monotonicMs());
      await client.query("commit");
    }
    client.release();
    await pool.end();
    return committedAt;
  }

  async work(concurrency: number | undefined): Promise<void> {
    this.#stopWork = await this.#contender.work({
      ...(concurrency === undefined ? {} : { concurrency }),
      onStart: (n) => this.#ledger.start(n),
    });
  }

  async stopWorking(): Promise<void> {
    await this.#stopWork?.();
  }

  executed(): number {
    return this.#ledger.executed;
  }

  report(): LedgerReport {
    return this.#ledger.report();
  }

  usage(): Usage {
    const { user, system } = process.cpuUsage();
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    return {
      cpuMs: (user + system) / 1000,
      peakMemoryMb: process.resourceUsage().maxRSS / 1024,
      memoryMb: rss / 1024 / 1024,
      heapMb: heapUsed / 1024 / 1024,
    };
  }

  async close(): Promise<void> {
    await this.#contender.close();
  }

  async #enqueueOne(n: number, { isInTransaction }: Singles, pool: Pool): Promise<void> {
    if (!isInTransaction) return this.#contender.enqueue({ n });
    const client = await pool.connect();
    await client.query("begin");
    await this.#contender.enqueueIn?.(client, { n });
    await client.query("commit");
    client.release();
  }
}

type Shape = Omit<Batches, "from" | "count" | "batch">;

function jobsFrom(from: number, count: number, shape: Shape): BenchJob[] {
  const { queues, concurrencyKeys, rateLimitKeys, delayMs } = shape;
  return Array.from({ length: count }, (_, index) => {
    const n = from + index;
    return {
      n,
      ...(queues === undefined ? {} : { queue: n % queues }),
      ...(concurrencyKeys === undefined ? {} : { concurrencyKey: `key-${n % concurrencyKeys}` }),
      ...(rateLimitKeys === undefined ? {} : { rateLimitKey: `limit-${n % rateLimitKeys}` }),
      ...(delayMs === undefined ? {} : { delayMs }),
    };
  });
}
