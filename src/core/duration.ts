import type { OptionError } from "./errors.ts";
import { invalidOption } from "./options.ts";

/** Milliseconds, or a number and a unit: `"500ms"`, `"5s"`, `"2m"`, `"1.5h"`, `"30 days"`. */
export type Duration = number | string;

const form = /^(\d+(?:\.\d+)?) *([a-z]+)$/;
const units = [
  { names: ["w", "week", "weeks"], milliseconds: 604_800_000 },
  { names: ["d", "day", "days"], milliseconds: 86_400_000 },
  { names: ["h", "hour", "hours"], milliseconds: 3_600_000 },
  { names: ["m", "min", "minute", "minutes"], milliseconds: 60_000 },
  { names: ["s", "sec", "second", "seconds"], milliseconds: 1_000 },
  { names: ["ms", "millisecond", "milliseconds"], milliseconds: 1 },
] as const;
const millisecondsPerUnit: ReadonlyMap<string, number> = new Map(
  units.flatMap(({ names, milliseconds }) => names.map((name) => [name, milliseconds] as const)),
);
// A hundred years, so that any run_at stays far inside PostgreSQL's range.
const longestMs = 36_525 * 86_400_000;

/** A duration in whole milliseconds; `option` names it in the OptionError for anything else. */
export function parseDuration(value: unknown, option: string): number {
  const milliseconds = typeof value === "string" ? millisecondsOf(value) : value;
  if (typeof milliseconds !== "number" || !(milliseconds >= 0 && milliseconds <= longestMs)) {
    throw invalidDuration(value, option);
  }
  return Math.round(milliseconds);
}

/** A duration for people, in the largest unit that says it exactly: 90,000 is `"90s"`. */
export function formatDuration(milliseconds: number): string {
  const whole = Math.round(milliseconds);
  const unit = units.find((each) => whole !== 0 && whole % each.milliseconds === 0);
  return unit === undefined ? `${whole}ms` : `${whole / unit.milliseconds}${unit.names[0]}`;
}

const roughUnits = [
  { name: "day", milliseconds: 86_400_000 },
  { name: "hour", milliseconds: 3_600_000 },
  { name: "minute", milliseconds: 60_000 },
  { name: "second", milliseconds: 1_000 },
] as const;

/** About how long something took or takes, in words: 125,000 ms are `"2 minutes"`, and 80,000 `"80 seconds"`. */
export function roughDuration(milliseconds: number): string {
  const whole = Math.max(0, milliseconds);
  const unit = roughUnits.find((each) => Math.round(whole / each.milliseconds) >= 2);
  if (unit === undefined) return whole < 500 ? "less than a second" : "1 second";
  return `${Math.round(whole / unit.milliseconds)} ${unit.name}s`;
}

function millisecondsOf(value: string): number | undefined {
  const [, amount, name = ""] = form.exec(value) ?? [];
  const unit = millisecondsPerUnit.get(name);
  return unit === undefined ? undefined : Number(amount) * unit;
}

function invalidDuration(value: unknown, option: string): OptionError {
  return invalidOption(
    option,
    'a duration in milliseconds or such as "5s", "2m" or "30 days", from 0 to 100 years',
    value,
  );
}
