import { invalidOption } from "../core/options.ts";
import { isUuid } from "../core/uuid.ts";
import type { HistoryPosition } from "./history.ts";

/** Where a job stands among all, which are in the order of queues and ids. */
export interface JobPosition {
  readonly queue: string;
  readonly id: string;
}

const momentForm = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00$/;
const highestAttempt = 2_147_483_647;

/** A position as the opaque text that a caller gives back to go on from there. */
export function encodePosition(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** The position among the jobs that such a text stands for. Throws `OptionError`. */
export function decodeJobPosition(option: string, text: string): JobPosition {
  const [queue, id, ...more] = decode(text);
  if (isName(queue) && typeof id === "string" && isUuid(id) && more.length === 0) {
    return { queue, id };
  }
  throw invalidOption(option, "what an earlier answer gave as `next`", text);
}

/** The position in the history that such a text stands for. Throws `OptionError`. */
export function decodeHistoryPosition(option: string, text: string): HistoryPosition {
  const [finishedAt, id, attempt, queue, ...more] = decode(text);
  const isWhole =
    typeof finishedAt === "string" &&
    isMoment(finishedAt) &&
    typeof id === "string" &&
    isUuid(id) &&
    typeof attempt === "number" &&
    isAttempt(attempt) &&
    isName(queue) &&
    more.length === 0;
  if (isWhole) return { finishedAt, id, attempt, queue };
  throw invalidOption(option, "what an earlier answer gave as `next`", text);
}

/** The two texts that a keyset of names and keys stands on. Throws `OptionError`. */
export function decodeKeyPosition(option: string, text: string): { queue: string; key: string } {
  const [queue, key, ...more] = decode(text);
  if (isName(queue) && isName(key) && more.length === 0) return { queue, key };
  throw invalidOption(option, "what an earlier answer gave as `next`", text);
}

function decode(text: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    return Array.isArray(parts) ? (parts as unknown[]) : [];
  } catch {
    return [];
  }
}

function isName(value: unknown): value is string {
  return typeof value === "string" && !/[\0\p{Surrogate}]/u.test(value);
}

function isMoment(text: string): boolean {
  const time = text.replace(" ", "T").replace("+00", "Z");
  return momentForm.test(text) && !Number.isNaN(Date.parse(time));
}

function isAttempt(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= highestAttempt;
}
