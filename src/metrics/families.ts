import type { Family, Labels, Sample } from "./exposition.ts";

/** What a family is called, and what it says. */
export interface Description {
  readonly name: string;
  readonly help: string;
}

const mostSeries = 1_000;
/** The name under which the queues and tasks are counted together that have no series of their own. */
export const other = "other";
// From 5 ms to an hour: jobs take longer than requests.
const bucketSeconds = [
  0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600,
] as const;

/** The values of a family by their labels. Past 1,000 series, the queue and the task of further ones are `other`. */
class SeriesMap<Value> {
  readonly #series = new Map<string, { readonly labels: Labels; readonly value: Value }>();
  readonly #make: () => Value;

  constructor(make: () => Value) {
    this.#make = make;
  }

  at(labels: Labels): Value {
    const known = this.#series.get(keyOf(labels));
    if (known !== undefined) return known.value;
    if (this.#series.size >= mostSeries && !isOther(labels)) return this.at(othersOf(labels));
    const value = this.#make();
    this.#series.set(keyOf(labels), { labels, value });
    return value;
  }

  all(): Iterable<{ readonly labels: Labels; readonly value: Value }> {
    return this.#series.values();
  }
}

/** Something that is counted, and only grows. */
export function counterFamily(description: Description): Family & {
  add(labels: Labels, count?: number): void;
} {
  const series = new SeriesMap(() => ({ count: 0 }));
  return {
    ...description,
    type: "counter",
    add(labels, count = 1) {
      series.at(labels).count += count;
    },
    *samples() {
      for (const { labels, value } of series.all()) yield { labels, value: value.count };
    },
  };
}

/** How long something takes. */
export function secondsFamily(description: Description): Family & {
  observe(labels: Labels, seconds: number): void;
} {
  const series = new SeriesMap(() => ({ counts: bucketSeconds.map(() => 0), sum: 0, count: 0 }));
  return {
    ...description,
    type: "histogram",
    observe(labels, seconds) {
      const seen = series.at(labels);
      const bucket = bucketSeconds.findIndex((most) => seconds <= most);
      if (bucket !== -1) seen.counts[bucket] = (seen.counts[bucket] ?? 0) + 1;
      seen.sum += seconds;
      seen.count += 1;
    },
    *samples() {
      for (const { labels, value } of series.all()) yield* histogramSamples(labels, value);
    },
  };
}

/** Something that is as it is now. */
export function gaugeFamily(description: Description, samples: () => Iterable<Sample>): Family {
  return { ...description, type: "gauge", samples };
}

function* histogramSamples(
  labels: Labels,
  { counts, sum, count }: { counts: readonly number[]; sum: number; count: number },
): Iterable<Sample> {
  let atMost = 0;
  for (const [place, seconds] of bucketSeconds.entries()) {
    atMost += counts[place] ?? 0;
    yield { suffix: "_bucket", labels: { ...labels, le: String(seconds) }, value: atMost };
  }
  yield { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: count };
  yield { suffix: "_sum", labels, value: sum };
  yield { suffix: "_count", labels, value: count };
}

function keyOf(labels: Labels): string {
  return Object.values(labels).join("\0");
}

function isOther({ queue, task }: Labels): boolean {
  return (queue ?? other) === other && (task ?? other) === other;
}

function othersOf(labels: Labels): Labels {
  return {
    ...labels,
    ...("queue" in labels && { queue: other }),
    ...("task" in labels && { task: other }),
  };
}
