import type { Ratio } from "../result.ts";
import type { ComparedMetric } from "./metrics.ts";
import { formatFactor } from "./numbers.ts";

const times = new Set(["ns", "µs", "us", "ms", "s", "min", "seconds", "milliseconds"]);

/** What a ratio means, in words that do not depend on whether more is better: a loss is called one. */
export function verdictOf(ratio: Ratio, { unit, better }: ComparedMetric): string {
  const isTime = times.has(unit) && better === "lower";
  const isRate = /(\/| per )s(econd)?$/.test(unit) && better === "higher";
  const certainty = isSameInEveryRound(ratio) ? "" : ", but not in every round";
  // Of no time at all nobody can say how many times as fast it is.
  if (ratio.median > 0 && (isTime || isRate)) {
    return speedVerdict(isTime ? 1 / ratio.median : ratio.median, certainty);
  }
  return amountVerdict(ratio.median, better, certainty);
}

function speedVerdict(factor: number, certainty: string): string {
  const shown = formatFactor(factor);
  if (shown === "1") return "Pawl just as fast";
  return `Pawl ${shown} times as fast${factor < 1 ? ": slower" : ""}${certainty}`;
}

function amountVerdict(factor: number, better: "higher" | "lower", certainty: string): string {
  const shown = formatFactor(factor);
  if (shown === "1") return "Pawl just as much";
  const isBetter = better === "higher" ? factor > 1 : factor < 1;
  return `Pawl ${shown} times as much: ${isBetter ? "better" : "worse"}${certainty}`;
}

function isSameInEveryRound({ min, max }: Ratio): boolean {
  return min > 1 || max < 1;
}
