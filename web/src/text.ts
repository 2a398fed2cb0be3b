import type { Count } from "../../src/dashboard/api.ts";

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** "12,345", "10,000+" when there are at least that many. */
export function countText({ count, isAtLeast }: Count): string {
  return `${whole.format(count)}${isAtLeast ? "+" : ""}`;
}

/** "12,345" */
export function numberText(value: number): string {
  return value > 0 && value < 10 && !Number.isInteger(value) ? value.toFixed(1) : whole.format(value);
}

/** "3d 4h", "12s", "340 ms" */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const place = units.findIndex(([, size]) => ms >= size);
  return units
    .slice(place, place + 2)
    .map(([unit, size], index) => [Math.floor(index === 0 ? ms / size : (ms % (units[place]?.[1] ?? 1)) / size), unit] as const)
    .filter(([count], index) => index === 0 || count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ");
}

/** "in 5m", "3s ago" */
export function agoText(time: string, now = Date.now()): string {
  const ms = now - new Date(time).getTime();
  return ms < 0 ? `in ${durationText(-ms)}` : `${durationText(ms)} ago`;
}

/** "31 Jan 2026, 12:00:00" */
export function timeText(time: string): string {
  return exact.format(new Date(time));
}
