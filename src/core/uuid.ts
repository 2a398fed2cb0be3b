import { createHash } from "node:crypto";
import type { Clock } from "./clock.ts";

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const hexPerId = 18; // 1 random byte for the counter's start, 8 for the id
const idsPerBatch = 455; // one page of random bytes a system call
const counterLimit = 0x1000;

/** Whether this is a UUID of any version in its usual form, in upper or lower case. */
export function isUuid(value: string): boolean {
  return form.test(value);
}

/**
 * Makes a generator of version 7 UUIDs that only ever go up within the process, also within one
 * millisecond and when the clock steps back: 48 bits of time, a 12-bit counter, 62 random bits
 * (RFC 9562, section 6.2, method 1).
 */
export function createUuidV7(
  now: Clock,
  randomBytes: (count: number) => Uint8Array = secureRandomBytes,
): () => string {
  let random = "";
  let used = 0;
  let time = -1;
  let timeText = "";
  let counter = 0;

  const startMillisecond = (milliseconds: number): void => {
    const digits = milliseconds.toString(16).padStart(12, "0");
    time = milliseconds;
    timeText = `${digits.slice(0, 8)}-${digits.slice(8)}-7`;
    counter = parseInt(random.slice(used + 16, used + 18), 16);
  };

  return () => {
    used += hexPerId;
    if (used >= random.length) {
      random = Buffer.from(randomBytes((idsPerBatch * hexPerId) / 2)).toString("hex");
      used = 0;
    }
    const milliseconds = Math.trunc(now());
    if (milliseconds > time) startMillisecond(milliseconds);
    else if (++counter === counterLimit) startMillisecond(time + 1);
    const counterText = (counter + counterLimit).toString(16).slice(1);
    const variant = "89ab".charAt(parseInt(random.charAt(used), 16) & 3);
    // Slices of at most 12 characters are copies; a longer one would keep the whole batch alive.
    const middle = random.slice(used + 1, used + 4);
    const end = random.slice(used + 4, used + 16);
    return `${timeText}${counterText}-${variant}${middle}-${end}`;
  };
}

/**
 * The id of the job that replays an attempt: always the same for the same attempt, so that a replay twice is one job. A
 * UUID of version 8, whose bits are free (RFC 9562, section 5.8): the old id's first 60, which are its time and counter, so
 * that replayed jobs come in the order of the old ones; then 62 of a SHA-256 of what names the attempt.
 */
export function replayId(attempt: {
  readonly queue: string;
  readonly id: string;
  readonly attempt: number;
}): string {
  const name = JSON.stringify(["pawl replay", attempt.queue, attempt.id, attempt.attempt]);
  const bytes = createHash("sha256").update(name).digest().subarray(0, 16);
  bytes.write(attempt.id.replaceAll("-", "").slice(0, 16), "hex");
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}

function secureRandomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}
