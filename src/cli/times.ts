import { roughDuration } from "../core/duration.ts";

/** About how long ago something was, or how far ahead it is: `3 minutes ago`, `in 2 hours`; `-` for null. */
export function fromNow(time: Date | null, now: number): string {
  if (time === null) return "-";
  const ms = now - time.getTime();
  return ms >= 0 ? `${roughDuration(ms)} ago` : `in ${roughDuration(-ms)}`;
}
