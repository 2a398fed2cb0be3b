import type { Spread } from "./ratios.ts";

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const threeDigits = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

/** Three significant digits; from 100 up, all digits before the point. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return (Math.abs(value) >= 100 ? whole : threeDigits).format(value);
}

/** "12.3 (11.9–14)"; one number when no run differs. */
export function formatSpread({ median, min, max }: Spread): string {
  if (min === max) return formatNumber(median);
  return `${formatNumber(median)} (${formatNumber(min)}–${formatNumber(max)})`;
}

/** How many times, for a sentence: 1.04 and 0.96 are as far from 1 in words as they are in fact. */
export function formatFactor(value: number): string {
  return formatNumber(value >= 1 ? value : Number(value.toPrecision(2)));
}
