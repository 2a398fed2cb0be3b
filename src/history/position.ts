import { invalidOption } from "../core/options.ts";
import { isUuid } from "../core/uuid.ts";
import type { HistoryPosition } from "../store/history.ts";

const form = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00$/;
const highestAttempt = 2_147_483_647;

/** A position as the opaque text that a caller gives back to go on from there. */
export function cursorOf({ finishedAt, id, attempt, queue }: HistoryPosition): string {
  return Buffer.from(JSON.stringify([finishedAt, id, attempt, queue])).toString("base64url");
}

/** The position that such a text stands for. Throws `OptionError`. */
export function checkCursor(option: string, value: unknown): HistoryPosition {
  const position = typeof value === "string" ? positionOf(value) : undefined;
  if (position !== undefined) return position;
  throw invalidOption(option, "what an earlier call gave as `next`", value);
}

function positionOf(cursor: string): HistoryPosition | undefined {
  const parts = parse(Buffer.from(cursor, "base64url").toString());
  if (!Array.isArray(parts) || parts.length !== 4) return undefined;
  const [finishedAt, id, attempt, queue] = parts as unknown[];
  if (typeof finishedAt !== "string" || !isMoment(finishedAt)) return undefined;
  if (typeof id !== "string" || !isUuid(id)) return undefined;
  if (typeof attempt !== "number" || !isAttempt(attempt)) return undefined;
  if (typeof queue !== "string" || queue.includes("\0")) return undefined;
  return { finishedAt, id, attempt, queue };
}

function isMoment(text: string): boolean {
  return form.test(text) && !Number.isNaN(timeOf(text));
}

function isAttempt(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= highestAttempt;
}

/** The milliseconds of a time as the database writes it. */
export function timeOf(text: string): number {
  return Date.parse(text.replace(" ", "T").replace("+00", "Z"));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
