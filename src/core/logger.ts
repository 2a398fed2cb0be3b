import { callable, invalidOption } from "./options.ts";

type Log = (fields: object, message: string) => void;

/** Takes log records, as pino does: the fields first. No record carries a payload. */
export interface Logger {
  debug: Log;
  info: Log;
  warn: Log;
  error: Log;
}

/** Checks that a value can log. Throws `OptionError`. */
export function checkLogger(option: string, given: Logger): Logger {
  if (typeof given !== "object" || (given as unknown) === null) {
    throw invalidOption(option, "a logger with debug, info, warn and error", given);
  }
  for (const level of ["debug", "info", "warn", "error"] as const) {
    callable(`${option}.${level}`, given[level]);
  }
  return given;
}
