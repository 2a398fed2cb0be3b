import { DatabaseError } from "../core/errors.ts";
import { withDeadline } from "../core/wait.ts";
import type { Measurement, QueueMeasurement } from "../store/measurements.ts";
import type { Family, Sample } from "./exposition.ts";
import { gaugeFamily, other } from "./families.ts";

// However many scrape, and however often.
const freshForMs = 5_000;
// Who scrapes waits no longer than 10 seconds, as a rule, and takes nothing then.
const answerWithinMs = 3_000;
// A queue has four states, and a family a thousand series.
const mostQueues = 250;

interface Measured {
  readonly at: number;
  readonly measurement: Measurement | undefined;
  readonly skewMs: number;
}

/** What the database says of queues and workers, asked at most every five seconds. */
export class DatabaseGauges {
  readonly #measure: () => Promise<Measurement>;
  #newest: Measured | undefined;
  #asking: Promise<Measured> | undefined;

  constructor(measure: () => Promise<Measurement>) {
    this.#measure = measure;
  }

  /** The families as they are now; without the database's figures when it does not answer. */
  async families(): Promise<readonly Family[]> {
    const { measurement, skewMs } = await this.#current();
    const isUp = gauge("pawl_database_up", "Whether the database has answered.", () => [
      { labels: {}, value: measurement === undefined ? 0 : 1 },
    ]);
    if (measurement === undefined) return [isUp];
    const queues = withOthers(measurement.queues);
    const { alive, crashed } = measurement.workers;
    return [
      isUp,
      gauge("pawl_queue_jobs", "Live jobs by state, up to 10000 for each queue.", () =>
        queues.flatMap(countSamples),
      ),
      gauge("pawl_queue_latency_seconds", "How long the oldest ready job could have run.", () =>
        queues.map(({ name: queue, oldestReadyMs }) => ({
          labels: { queue },
          value: (oldestReadyMs ?? 0) / 1_000,
        })),
      ),
      gauge("pawl_workers", "Workers of all processes: alive, or found dead today.", () => [
        { labels: { state: "alive" }, value: alive },
        { labels: { state: "crashed" }, value: crashed },
      ]),
      gauge("pawl_clock_skew_seconds", "How far the database's clock is ahead.", () => [
        { labels: {}, value: skewMs / 1_000 },
      ]),
    ];
  }

  async #current(): Promise<Measured> {
    const known = this.#newest;
    if (known !== undefined && performance.now() - known.at < freshForMs) return known;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<Measured> {
    const askedAt = Date.now();
    const measurement = await withDeadline(this.#measure(), answerWithinMs, tooLate).catch(
      () => undefined,
    );
    const skewMs = (measurement?.now.getTime() ?? 0) - (askedAt + Date.now()) / 2;
    this.#newest = { at: performance.now(), measurement, skewMs };
    return this.#newest;
  }
}

function gauge(name: string, help: string, samples: () => Iterable<Sample>): Family {
  return gaugeFamily({ name, help }, samples);
}

function countSamples({ name: queue, counts }: QueueMeasurement): Sample[] {
  return Object.entries(counts).map(([state, value]) => ({ labels: { queue, state }, value }));
}

/** The first queues as they are, and what is in the rest together as `other`. */
function withOthers(queues: readonly QueueMeasurement[]): readonly QueueMeasurement[] {
  if (queues.length <= mostQueues) return queues;
  const own = queues.slice(0, mostQueues - 1).filter(({ name }) => name !== other);
  const rest = queues.filter((queue) => !own.includes(queue));
  const sum = (state: keyof QueueMeasurement["counts"]): number =>
    rest.reduce((total, { counts }) => total + counts[state], 0);
  const oldest = Math.max(...rest.map(({ oldestReadyMs }) => oldestReadyMs ?? -1));
  return [
    ...own,
    {
      name: other,
      counts: {
        scheduled: sum("scheduled"),
        ready: sum("ready"),
        blocked: sum("blocked"),
        running: sum("running"),
      },
      oldestReadyMs: oldest < 0 ? null : oldest,
    },
  ];
}

function tooLate(): DatabaseError {
  return new DatabaseError("PAWL_DATABASE_TIMEOUT", "the database did not answer in time");
}
