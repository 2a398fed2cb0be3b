import { OptionError } from "../core/errors.ts";

/** An integer that was given as text. Throws `OptionError`. */
export function integerOf(option: string, given: string): number {
  if (/^-?\d+$/.test(given)) return Number(given);
  throw refused(option, "an integer", given);
}

/** A time that was given as text, in the form of ISO 8601. Throws `OptionError`. */
export function timeOf(option: string, given: string): Date {
  const time = new Date(given);
  if (!Number.isNaN(time.getTime())) return time;
  throw refused(option, "a time such as 2026-01-31T12:00:00Z", given);
}

/** JSON that was given as text. Throws `OptionError`. */
export function jsonOf(option: string, given: string): unknown {
  try {
    return JSON.parse(given) as unknown;
  } catch {
    // What was given may be a secret.
    throw new OptionError(`expected \`${option}\` to be JSON, got something else`, {
      option,
      expected: "JSON",
      got: "something else",
    });
  }
}

/** The options that were given, under the names that the library has for them. */
export function given<Options extends object>(options: Options): Partial<Options> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<Options>; // the same, without what is undefined
}

function refused(option: string, expected: string, got: string): OptionError {
  return new OptionError(`expected \`${option}\` to be ${expected}, got "${got}"`, {
    ...{ option, expected, got },
  });
}
