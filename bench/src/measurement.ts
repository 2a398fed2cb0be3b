import type { Contender, HandlerKind, Settings } from "./contenders/contender.ts";
import { BenchProcess } from "./processes/bench-process.ts";
import type { Usage } from "./processes/commands.ts";
import type { LedgerReport } from "./processes/ledger.ts";
import { difference, type BenchServer, type Costs } from "./servers/bench-server.ts";

export interface MeasurementOptions {
  readonly contender: Contender;
  readonly settings: Settings;
  readonly isQuick: boolean;
  readonly server: BenchServer;
  /** A database of PostgreSQL, where the effects of a contender on Redis go. */
  readonly effectsUrl: string | undefined;
}

interface DatabaseOptions {
  readonly queues?: number;
  readonly handler?: HandlerKind;
}

/** One contender at work on one fresh database: what a scenario is given for each round. */
export class Measurement {
  readonly contender: Contender;
  readonly settings: Settings;
  readonly isQuick: boolean;
  readonly #server: BenchServer;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #processes = new Set<BenchProcess>();
  #url = "";
  #options: DatabaseOptions = {};

  constructor({ contender, settings, isQuick, server, effectsUrl }: MeasurementOptions) {
    this.contender = contender;
    this.settings = settings;
    this.isQuick = isQuick;
    this.#server = server;
    this.#environment = effectsUrl === undefined ? {} : { EFFECTS_URL: effectsUrl };
  }

  /** The connection string of the database. */
  get url(): string {
    return this.#url;
  }

  /** Where the handlers' effects are written. */
  get effectsUrl(): string {
    return this.#environment.EFFECTS_URL ?? this.#url;
  }

  /** Leaves the database of before, and installs the contender in a fresh one. */
  async freshDatabase(options: DatabaseOptions = {}): Promise<void> {
    await this.close();
    this.#options = options;
    this.#url = await this.#server.makeDatabase();
    await this.withProcess((installer) => installer.do("install"));
  }

  /** Starts a process of the contender; its handlers may do something else than the others'. */
  async open(options: Pick<DatabaseOptions, "handler"> = {}): Promise<BenchProcess> {
    const { queues = 1, handler = "nothing" } = { ...this.#options, ...options };
    const place = { url: this.#url, settings: this.settings, queues, handler };
    const opened = await BenchProcess.open(this.contender.name, place, this.#environment);
    this.#processes.add(opened);
    return opened;
  }

  /** Ends a process, and returns what it had used and run. */
  async end(ended: BenchProcess): Promise<{ usage: Usage; report: LedgerReport }> {
    const usage = await ended.do("usage");
    const report = await ended.do("report");
    await ended.end();
    this.#processes.delete(ended);
    return { usage, report };
  }

  async kill(killed: BenchProcess): Promise<LedgerReport> {
    const report = await killed.do("report");
    await killed.kill();
    this.#processes.delete(killed);
    return report;
  }

  async withProcess<Result>(use: (opened: BenchProcess) => Promise<Result>): Promise<Result> {
    const opened = await this.open();
    const result = await use(opened);
    await this.end(opened);
    return result;
  }

  /** What the server spends on the work; no process may be open before or after it. */
  async costsOf<Result>(work: () => Promise<Result>): Promise<{ costs: Costs; result: Result }> {
    const before = await this.#server.costs(this.#url);
    const result = await work();
    return { costs: difference(before, await this.#server.costs(this.#url)), result };
  }

  /** Ends what is open, and drops the database. */
  async close(): Promise<void> {
    await Promise.all([...this.#processes].map((opened) => opened.kill()));
    this.#processes.clear();
    if (this.#url !== "") await this.#server.dropDatabase(this.#url);
    this.#url = "";
  }
}
