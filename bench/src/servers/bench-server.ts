/** What a server has spent so far; the difference of two is what the work between them cost. */
export interface Costs {
  readonly cpuMs: number;
  /** Of the write-ahead log, or of Redis' append-only file. */
  readonly logBytes: number;
  readonly commits: number;
  /** Statements of clients; with Redis, reads from their sockets. */
  readonly roundTrips: number;
  /** Row versions that an update or a delete has made useless. */
  readonly deadRows: number;
}

/** A server that contenders work on, started for the benchmark alone. */
export interface BenchServer {
  /** Makes a fresh database and returns its connection string. */
  makeDatabase(): Promise<string>;
  dropDatabase(url: string): Promise<void>;
  /** To be called while no contender is connected: a connection tells its counts when it ends. */
  costs(url: string): Promise<Costs>;
  stop(): Promise<void>;
}

export function difference(before: Costs, after: Costs): Costs {
  return {
    cpuMs: after.cpuMs - before.cpuMs,
    logBytes: after.logBytes - before.logBytes,
    commits: after.commits - before.commits,
    roundTrips: after.roundTrips - before.roundTrips,
    deadRows: after.deadRows - before.deadRows,
  };
}
