import { hostname } from "node:os";
import { PawlError } from "../core/errors.ts";
import type { Logger } from "../index.ts";

export interface JsonLinesOptions {
  /** Takes a finished line. */
  readonly write: (line: string) => void;
  /** Hides what nobody should read, in every text. */
  readonly mask: (text: string) => string;
  /** Whether an error is to be logged, and not one that was a moment ago. */
  readonly isNews: (what: string) => boolean;
}

// As pino numbers them, so that whatever reads its lines reads these.
const levels = { debug: 20, info: 30, warn: 40, error: 50 } as const;

/** Logs JSON lines of pino's form. Single attempts are left out: those are what metrics and the history are for. */
export function jsonLines({ write, mask, isNews }: JsonLinesOptions): Logger {
  const log =
    (level: number) =>
    (fields: object, msg: string): void => {
      const error: unknown = "err" in fields ? fields.err : undefined;
      if (error !== undefined && !isNews(`${msg} ${describe(error).message}`)) return;
      const record = {
        ...{ level, time: Date.now(), pid: process.pid, hostname: hostname() },
        ...fields,
        ...(error !== undefined && { err: describe(error) }),
        msg,
      };
      write(JSON.stringify(record, (_, value: unknown) => masked(value)));
    };
  const masked = (value: unknown): unknown => (typeof value === "string" ? mask(value) : value);
  return {
    debug: () => undefined,
    info: log(levels.info),
    warn: log(levels.warn),
    error: log(levels.error),
  };
}

function describe(error: unknown): { type?: string; code?: string; message: string } {
  if (error instanceof PawlError)
    return { type: error.name, code: error.code, message: error.message };
  return error instanceof Error
    ? { type: error.name, message: error.message }
    : { message: String(error) };
}
