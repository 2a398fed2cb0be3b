import type { Measurement } from "../measurement.ts";
import type { BenchProcess } from "../processes/bench-process.ts";
import type { Usage } from "../processes/commands.ts";
import { Crew, type CrewReport } from "./crew.ts";
import { checkExactlyOnce } from "./exactly-once.ts";

const ahead = 8_000;
/** How long the rest may take when the producer has stopped. */
const restMs = 20_000;

/** A producer that keeps jobs waiting, and a worker. */
export class SteadyRun {
  readonly #measurement: Measurement;
  readonly #producer: BenchProcess;
  readonly #crew: Crew;
  readonly #produced: Promise<number>;

  private constructor(measurement: Measurement, producer: BenchProcess, crew: Crew) {
    this.#measurement = measurement;
    this.#producer = producer;
    this.#crew = crew;
    this.#produced = producer.do("keepAhead", ahead);
    // It is waited for at the end; an error before that must not end the benchmark.
    this.#produced.catch(() => undefined);
    crew.onProgress((executed) => {
      producer.do("finished", executed).catch(() => undefined);
    });
  }

  static async start(measurement: Measurement): Promise<SteadyRun> {
    const producer = await measurement.open();
    return new SteadyRun(measurement, producer, await Crew.start(measurement));
  }

  get executed(): number {
    return this.#crew.executed;
  }

  /** Resolves when so many have been executed, or the time is over. */
  async until(executed: number, limitMs: number): Promise<void> {
    await this.#crew.until(executed, limitMs);
  }

  async workerUsage(): Promise<Usage> {
    const [usage] = await this.#crew.usages();
    if (usage === undefined) throw new Error("expected a worker");
    return usage;
  }

  async forMs(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Ends it; every job that was produced must have been executed exactly once. */
  async end(extra = 0): Promise<CrewReport> {
    await this.#producer.do("stopProducing");
    const produced = await this.#produced;
    const isComplete = await this.#crew.until(produced + extra, restMs);
    const { usage } = await this.#measurement.end(this.#producer);
    const crew = await this.#crew.end();
    checkExactlyOnce(crew.reports, { total: produced, isComplete });
    return { ...crew, usages: [...crew.usages, usage] };
  }
}
