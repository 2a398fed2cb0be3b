const numbers = new Intl.NumberFormat("en");
const seconds = 1_000;
const minutes = 60 * seconds;
const hours = 60 * minutes;
const days = 24 * hours;

/** A count for people: `12,345`. */
export function formatCount(count: number): string {
  return numbers.format(count);
}

/** A count that may only be a lower bound: `10,000+`. */
export function formatBound({ count, isAtLeast }: { count: number; isAtLeast: boolean }): string {
  return isAtLeast ? `${formatCount(count)}+` : formatCount(count);
}

/** A duration in at most two units: `12 ms`, `3.4 s`, `2 min 5 s`, `3 h 20 min`, `4 d 2 h`. */
export function formatDuration(milliseconds: number): string {
  const whole = Math.max(0, milliseconds);
  if (whole < 9.95) return `${Number(whole.toFixed(1))} ms`;
  if (whole < seconds) return `${Math.round(whole)} ms`;
  if (whole < 10 * seconds) return `${(whole / seconds).toFixed(1)} s`;
  if (whole < minutes) return `${Math.floor(whole / seconds)} s`;
  if (whole < hours) return twoUnits(whole, [minutes, "min"], [seconds, "s"]);
  if (whole < days) return twoUnits(whole, [hours, "h"], [minutes, "min"]);
  return twoUnits(whole, [days, "d"], [hours, "h"]);
}

/** How far a moment is away: `12 s ago`, `in 3 min`, `now`. */
export function formatRelative(moment: string, now: number): string {
  const distance = Date.parse(moment) - now;
  if (Number.isNaN(distance)) return moment;
  if (Math.abs(distance) < seconds) return "now";
  const size = formatDuration(Math.floor(Math.abs(distance) / seconds) * seconds);
  const short = size.replace(/\.0(?= s)/, "").replace(/ (\d+ (?:s|min|h))$/, "");
  return distance > 0 ? `in ${short}` : `${short} ago`;
}

/** The exact moment, in the time zone of whoever looks, for titles. */
export function formatExact(moment: string): string {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return moment;
  return `${date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" })} (${moment})`;
}

/** A short form of an id that is still enough to tell neighbours apart: the end of a UUID is its random part. */
export function shortId(id: string): string {
  return id.length > 13 ? `…${id.slice(-8)}` : id;
}

/** `1 job`, `2 jobs`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

type Unit = readonly [size: number, name: string];

function twoUnits(whole: number, [large, largeName]: Unit, [small, smallName]: Unit): string {
  const first = Math.floor(whole / large);
  const second = Math.floor((whole % large) / small);
  return second === 0 ? `${first} ${largeName}` : `${first} ${largeName} ${second} ${smallName}`;
}
