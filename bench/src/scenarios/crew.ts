import type { HandlerKind } from "../contenders/contender.ts";
import type { Measurement } from "../measurement.ts";
import { monotonicMs, type LedgerReport } from "../processes/ledger.ts";
import type { BenchProcess } from "../processes/bench-process.ts";
import type { Usage } from "../processes/commands.ts";

interface CrewOptions {
  readonly processes?: number;
  readonly concurrency?: number | undefined;
  readonly handler?: HandlerKind;
}

/** The worker processes of a measurement. */
export class Crew {
  readonly #measurement: Measurement;
  readonly #processes: readonly BenchProcess[];
  readonly #startedAt: number;
  #onProgress: () => void = () => undefined;

  private constructor(measurement: Measurement, processes: readonly BenchProcess[]) {
    this.#measurement = measurement;
    this.#processes = processes;
    this.#startedAt = monotonicMs();
    for (const opened of processes) opened.onProgress = () => this.#onProgress();
  }

  /** Starts so many worker processes; their time counts from here. */
  static async start(
    measurement: Measurement,
    { processes = 1, concurrency, handler }: CrewOptions = {},
  ): Promise<Crew> {
    const opened = await Promise.all(
      Array.from({ length: processes }, () => measurement.open(handler && { handler })),
    );
    const crew = new Crew(measurement, opened);
    await Promise.all(opened.map((each) => each.do("work", concurrency)));
    return crew;
  }

  get executed(): number {
    return this.#processes.reduce((sum, { executed }) => sum + executed, 0);
  }

  /** Calls back whenever more jobs have been executed, with how many. */
  onProgress(listener: (executed: number) => void): void {
    this.#onProgress = () => listener(this.executed);
  }

  /** Resolves to true when so many have been executed, to false when the time is over before. */
  async until(executed: number, limitMs: number): Promise<boolean> {
    const endsAt = monotonicMs() + limitMs;
    while (this.executed < executed) {
      if (monotonicMs() > endsAt) return false;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return true;
  }

  /** What the processes use now, after a garbage collection. */
  usages(): Promise<readonly Usage[]> {
    return Promise.all(this.#processes.map((each) => each.do("usage")));
  }

  async kill(): Promise<void> {
    await Promise.all(this.#processes.map((each) => this.#measurement.kill(each)));
  }

  /** Stops the workers, with everything settled, and ends their processes. */
  async end(): Promise<CrewReport> {
    await Promise.all(this.#processes.map((each) => each.do("stopWorking")));
    const ended = await Promise.all(this.#processes.map((each) => this.#measurement.end(each)));
    const reports = ended.map(({ report }) => report);
    return {
      reports,
      usages: ended.map(({ usage }) => usage),
      executed: reports.reduce((sum, { executed }) => sum + executed, 0),
      ms: Math.max(...reports.map(({ lastAt }) => lastAt)) - this.#startedAt,
    };
  }
}

export interface CrewReport {
  readonly reports: readonly LedgerReport[];
  readonly usages: readonly Usage[];
  readonly executed: number;
  /** From the start of the workers to the start of the last handler. */
  readonly ms: number;
}
