import type { Costs } from "../servers/bench-server.ts";
import type { Usage } from "../processes/commands.ts";
import type { Figure } from "./scenario.ts";

export function rate(metric: string, jobs: number, ms: number): Figure {
  return { metric, unit: "jobs/s", better: "higher", value: (jobs / ms) * 1000 };
}

export function duration(metric: string, ms: number): Figure {
  return { metric, unit: "ms", better: "lower", value: ms };
}

/** How much of the second figure the first one is. */
export function quotient(metric: string, part: Figure, whole: Figure): Figure {
  return { metric, unit: "", better: "higher", value: part.value / whole.value };
}

/** What the work on so many jobs has cost, told beside its rate. */
export function costFigures(
  jobs: number,
  { costs, usages, of = "" }: { costs: Costs; usages: readonly Usage[]; of?: string },
): readonly Figure[] {
  const clientCpuMs = usages.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  const peakMemoryMb = Math.max(...usages.map((usage) => usage.peakMemoryMb));
  const values: readonly (readonly [metric: string, unit: string, value: number])[] = [
    ["server CPU", "s per million jobs", (costs.cpuMs / jobs) * 1000],
    ["client CPU", "s per million jobs", (clientCpuMs / jobs) * 1000],
    ["log written", "bytes per job", costs.logBytes / jobs],
    ["commits", "per job", costs.commits / jobs],
    ["round trips", "per job", costs.roundTrips / jobs],
    ["dead rows", "per job", costs.deadRows / jobs],
    ["peak memory of a process", "MB", peakMemoryMb],
  ];
  return values.map(([metric, unit, value]) => ({ metric: withVariant(metric, of), unit, value }));
}

function withVariant(metric: string, of: string): string {
  return of === "" ? metric : `${metric}, ${of}`;
}

/** Of a list of numbers, the one that the given part of them does not exceed. */
export function quantile(values: readonly number[], part: number): number {
  const inOrder = [...values].sort((a, b) => a - b);
  return inOrder[Math.min(inOrder.length - 1, Math.floor(inOrder.length * part))] ?? NaN;
}
