const units = [
  { name: "d", ms: 86_400_000 },
  { name: "h", ms: 3_600_000 },
  { name: "m", ms: 60_000 },
  { name: "s", ms: 1_000 },
] as const;

/** How long ago something was, or how far ahead it is, roughly: `3m ago`, `in 2h`; `-` for null. */
export function fromNow(time: Date | null, now: number): string {
  if (time === null) return "-";
  const ms = now - time.getTime();
  const { name, ms: unit } = units.find((each) => Math.abs(ms) >= each.ms) ?? {
    name: "s",
    ms: 1_000,
  };
  const count = Math.floor(Math.abs(ms) / unit);
  return ms >= 0 ? `${count}${name} ago` : `in ${count}${name}`;
}
