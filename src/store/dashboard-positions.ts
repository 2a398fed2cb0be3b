import type { JobReference } from "../core/job.ts";
import { invalidOption } from "../core/options.ts";
import { isUuid } from "../core/uuid.ts";
import { lastPosition, type HistoryPosition } from "./history.ts";

const timeForm = /^\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00$/;
const highestAttempt = 2_147_483_647;

/** Where a job stands, as the opaque text that a caller gives back to go on from there. */
export function jobCursor({ queue, id }: JobReference): string {
  return encode([queue, id]);
}

/** The job that such a text stands for; undefined: from the start. Throws `OptionError`. */
export function jobPosition(cursor: string | null | undefined): JobReference | undefined {
  if (cursor === undefined || cursor === null) return undefined;
  const [queue, id, ...rest] = decode(cursor);
  if (isName(queue) && isId(id) && rest.length === 0) return { queue, id };
  throw wrong(cursor);
}

/** Where an attempt stands, as the opaque text that a caller gives back to go on from there. */
export function historyCursor({ finishedAt, id, attempt, queue }: HistoryPosition): string {
  return encode([finishedAt, id, attempt, queue]);
}

/** The attempt that such a text stands for; undefined: from the newest. Throws `OptionError`. */
export function historyPosition(cursor: string | null | undefined): HistoryPosition {
  if (cursor === undefined || cursor === null) return lastPosition;
  const [finishedAt, id, attempt, queue, ...rest] = decode(cursor);
  if (isMoment(finishedAt) && isId(id) && isAttempt(attempt) && isName(queue) && rest.length === 0)
    return { finishedAt, id, attempt, queue };
  throw wrong(cursor);
}

function encode(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

function decode(cursor: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

function wrong(cursor: string): Error {
  return invalidOption("after", "what an earlier page gave as `next`", cursor);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && !/[\0\p{Surrogate}]/u.test(value);
}

function isId(value: unknown): value is string {
  return typeof value === "string" && isUuid(value);
}

function isMoment(value: unknown): value is string {
  if (typeof value !== "string" || !timeForm.test(value)) return false;
  return !Number.isNaN(Date.parse(value.replace(" ", "T").replace("+00", "Z")));
}

function isAttempt(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= highestAttempt;
}
