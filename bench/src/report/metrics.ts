import type { Settings } from "../contenders/contender.ts";
import type { Result } from "../result.ts";
import { ownName } from "./ratios.ts";

export interface Metric {
  readonly name: string;
  readonly unit: string;
  /** Of each contender and its settings: like settings beside each other, Pawl before its peers. */
  readonly results: readonly Result[];
}

export interface ComparedMetric extends Metric {
  readonly better: "higher" | "lower";
}

/** The metrics of one scenario of which more, or less, is better. */
export function comparedMetrics(results: readonly Result[]): ComparedMetric[] {
  return metricsOf(results).flatMap((metric) => {
    const better = metric.results[0]?.better;
    return better === undefined ? [] : [{ ...metric, better }];
  });
}

/** The metrics of one scenario that only tell what it cost. */
export function costMetrics(results: readonly Result[]): Metric[] {
  return metricsOf(results.filter(({ better }) => better === undefined));
}

/** "pg-boss, best" */
export function labelOf({ contender, settings }: Pick<Result, "contender" | "settings">): string {
  return `${displayName(contender)}, ${settings}`;
}

export function displayName(contender: string): string {
  return contender === ownName ? "Pawl" : contender;
}

/** "jobs/s, more is better" */
export function scaleOf({ unit, better }: ComparedMetric): string {
  const direction = better === "higher" ? "more is better" : "less is better";
  return unit === "" ? direction : `${unit}, ${direction}`;
}

function metricsOf(results: readonly Result[]): Metric[] {
  const names = new Set(results.map(({ metric }) => metric));
  return [...names].map((name) => {
    const own = inOrder(results.filter(({ metric }) => metric === name));
    return { name, unit: own[0]?.unit ?? "", results: own };
  });
}

export function inOrder(results: readonly Result[]): Result[] {
  return results.toSorted((a, b) => rank(a) - rank(b));
}

const settingsRank: Record<Settings, number> = { best: 0, defaults: 2 };

function rank({ contender, settings }: Result): number {
  return settingsRank[settings] + (contender === ownName ? 0 : 1);
}
