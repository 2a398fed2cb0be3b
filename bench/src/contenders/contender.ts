import type { PoolClient } from "pg";

/** "best": the best settings that the contender's documentation names; "defaults": none given. */
export type Settings = "best" | "defaults";

/** Where a contender works: a fresh database, or an empty Redis. */
export interface Place {
  readonly url: string;
  readonly settings: Settings;
  /** How many queues the jobs are spread over; most scenarios use one. */
  readonly queues: number;
  /** What the handlers of the scenario do. */
  readonly handler: HandlerKind;
}

/** One job of a benchmark. Its payload is `{ n }`. */
export interface BenchJob {
  readonly n: number;
  /** Due this much later. */
  readonly delayMs?: number;
  /** The number of its queue, from 0. Default 0. */
  readonly queue?: number;
  /** Of the jobs with the same key, one runs at a time. */
  readonly concurrencyKey?: string;
  /** Jobs of a key start no faster than a limit that none of them reaches here. */
  readonly rateLimitKey?: string;
}

/**
 * What the handlers do: nothing; wait for ever; or write the row `n` into the table `effects` of the same database, in
 * a transaction that is as close to the job's completion as the contender can make it.
 */
export type HandlerKind = "nothing" | "hang" | "write";

export interface WorkOptions {
  /** How many handlers at once. Default: what suits the contender best, or its own default. */
  readonly concurrency?: number;
  /** To be called at the start of each handler. */
  readonly onStart: (n: number) => void;
}

/** What scenarios need that not every contender has. */
export type Ability =
  "enqueue in a transaction" | "concurrency keys" | "rate limit keys" | "many queues";

/** One system of the comparison, opened by one process. */
export interface OpenContender {
  /** Makes its tables and queues; called by one process, once. */
  install(): Promise<void>;
  /** Lets the workers that run now look as if each were on a machine of its own; left out where that is no matter. */
  separateMachines?(): Promise<void>;
  /** Enqueues all of them by its bulk call. */
  enqueueMany(jobs: readonly BenchJob[]): Promise<void>;
  enqueue(job: BenchJob): Promise<void>;
  /** Enqueues in the open transaction of the client. */
  enqueueIn?(client: PoolClient, job: BenchJob): Promise<void>;
  /** Starts a worker on all queues; the result stops it, with everything settled. */
  work(options: WorkOptions): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  readonly server: "postgres" | "redis";
  /** What it does not have, and what its documentation offers in its place. */
  readonly lacks: Partial<Record<Ability, string>>;
  /** What its settings are, for the report. */
  readonly settings: Record<Settings, string>;
  /** How the text of the statement begins, or what it contains, that takes jobs; a pattern of LIKE. */
  readonly claimStatement?: string;
  open(place: Place): Promise<OpenContender>;
}
