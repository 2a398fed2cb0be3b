const secondMs = 1_000;
const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

const whole = new Intl.NumberFormat("en-US");

/** A number with its thousands apart: `12,345`. */
export function formatNumber(value: number): string {
  return whole.format(value);
}

/** A rate or a mean, with as many digits as say something: `0.42`, `3.1`, `1,204`. */
export function formatRate(value: number): string {
  if (value === 0) return "0";
  if (value < 1) return value.toFixed(2);
  return value < 10 ? value.toFixed(1) : whole.format(Math.round(value));
}

/** A count, and a plus when it is only known to be at least that. */
export function formatCount({ count, isAtLeast }: { count: number; isAtLeast: boolean }): string {
  return isAtLeast ? `${formatNumber(count)}+` : formatNumber(count);
}

/** How long something took, in its largest two units: `840 ms`, `4.2 s`, `3 min 20 s`, `2 d 4 h`. */
export function formatDuration(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < secondMs) return `${formatMilliseconds(ms)} ms`;
  if (ms < 59_950) return `${(ms / secondMs).toFixed(1)} s`;
  if (ms < hourMs) return twoUnits(ms, { name: "min", ms: minuteMs }, { name: "s", ms: secondMs });
  if (ms < dayMs) return twoUnits(ms, { name: "h", ms: hourMs }, { name: "min", ms: minuteMs });
  return twoUnits(ms, { name: "d", ms: dayMs }, { name: "h", ms: hourMs });
}

/** A time as seen from another: `12 s ago`, `in 5 min`, `3 d ago`. */
export function formatRelative(time: number, now: number): string {
  const distance = Math.abs(now - time);
  if (distance < secondMs) return "now";
  const text = oneUnit(distance);
  return time <= now ? `${text} ago` : `in ${text}`;
}

/** A time for a title, exact and with its zone. */
export function formatExact(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  return `${date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" })} (${iso})`;
}

/** Part of a whole in percent, never beyond 0 to 100. */
export function percent(part: number, total: number): number {
  return total <= 0 ? 0 : Math.min(100, Math.max(0, (part / total) * 100));
}

/** "1 job", "12 jobs". */
export function plural(count: number, noun: string): string {
  return `${formatNumber(count)} ${count === 1 ? noun : `${noun}s`}`;
}

/** The first part of a UUID and its end, which tells those of one moment apart. */
export function shortId(id: string): string {
  return id.length > 16 ? `${id.slice(0, 8)}…${id.slice(-6)}` : id;
}

interface Unit {
  readonly name: string;
  readonly ms: number;
}

function formatMilliseconds(ms: number): string {
  return ms > 0 && ms < 10 ? ms.toFixed(1) : String(Math.round(ms));
}

function twoUnits(ms: number, large: Unit, small: Unit): string {
  const smalls = Math.round(ms / small.ms);
  const perLarge = large.ms / small.ms;
  const rest = smalls % perLarge;
  const text = `${Math.floor(smalls / perLarge)} ${large.name}`;
  return rest === 0 ? text : `${text} ${rest} ${small.name}`;
}

function oneUnit(ms: number): string {
  if (ms < minuteMs) return `${Math.floor(ms / secondMs)} s`;
  if (ms < hourMs) return `${Math.floor(ms / minuteMs)} min`;
  if (ms < 2 * dayMs) return `${Math.floor(ms / hourMs)} h`;
  return `${Math.floor(ms / dayMs)} d`;
}
