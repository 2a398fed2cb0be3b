import parse from "parse-prometheus-text-format";
import type { MetricsHandler } from "pawl/metrics";

type Labels = Readonly<Record<string, string>>;

/** A line as Prometheus reads it. */
export interface ReadSample {
  readonly labels: Labels;
  readonly value: number;
}

/** What a scrape has read, by the names that lines begin with. */
export type Scraped = ReadonlyMap<string, readonly ReadSample[]>;

/** Asks for a path. */
export function ask(handler: MetricsHandler, path: string, method = "GET"): Promise<Response> {
  return handler(new Request(`http://localhost${path}`, { method }));
}

/** Scrapes as Prometheus does, with a parser of its format. */
export async function scrape(handler: MetricsHandler): Promise<Scraped> {
  const response = await ask(handler, "/metrics");
  return read(await response.text());
}

/** Reads what was scraped. Throws when a line is not of the format. */
export function read(text: string): Scraped {
  // The parser would lose the labels of histograms: their lines are read one by one.
  const families = parse(text.replaceAll(/^(# TYPE \S+) histogram$/gm, "$1 untyped"));
  const scraped = new Map<string, ReadSample[]>();
  for (const { name, metrics } of families) {
    const samples = scraped.get(name) ?? [];
    scraped.set(name, samples);
    for (const { labels = {}, value } of metrics) samples.push({ labels, value: Number(value) });
  }
  return scraped;
}

/** The value of the sample with these labels; undefined when there is none. */
export function valueOf(scraped: Scraped, name: string, labels: Labels = {}): number | undefined {
  return scraped.get(name)?.find((sample) => isSame(sample.labels, labels))?.value;
}

function isSame(some: Labels, others: Labels): boolean {
  const names = Object.keys(others);
  const isAsLong = Object.keys(some).length === names.length;
  return isAsLong && names.every((name) => some[name] === others[name]);
}
