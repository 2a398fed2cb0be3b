import { invalidOption, shortText } from "../core/options.ts";

/** The flags of jobs that a worker does not take: a list, or a function that is asked before every look for jobs. */
export type ForbiddenFlagsOption =
  readonly string[] | (() => readonly string[] | Promise<readonly string[]>);

/** Knows which flags are forbidden now. */
export class ForbiddenFlags {
  readonly #option: ForbiddenFlagsOption;
  #current: readonly string[] | null = null;

  constructor(option: ForbiddenFlagsOption = []) {
    this.#option = option;
    if (typeof option !== "function") this.#current = listOrNull(option);
  }

  /** In order; null when none is forbidden. */
  get current(): readonly string[] | null {
    return this.#current;
  }

  /** Asks again; true when others are forbidden than before. Rejects when the function does. */
  async refresh(): Promise<boolean> {
    if (typeof this.#option !== "function") return false;
    const before = this.#current;
    this.#current = listOrNull(checkFlags("forbiddenFlags", await this.#option()));
    return before?.join("\0") !== this.#current?.join("\0");
  }

  /** Whether a worker may take jobs with these flags. */
  allow(flags: readonly string[]): boolean {
    const forbidden = this.#current;
    return forbidden === null || !flags.some((flag) => forbidden.includes(flag));
  }
}

/** Checks for a list of flags, each a text of 1 to 255 bytes. Throws `OptionError`. */
function checkFlags(option: string, flags: unknown): readonly string[] {
  if (Array.isArray(flags)) return flags.map((flag) => shortText(option, flag));
  throw invalidOption(option, "a list of flags", flags);
}

/** Checks the option of a worker. Throws `OptionError`. */
export function checkForbiddenFlags(option: unknown): ForbiddenFlagsOption {
  if (typeof option === "function") return option as ForbiddenFlagsOption; // what it returns is checked each time
  return checkFlags("forbiddenFlags", option);
}

function listOrNull(flags: readonly string[]): readonly string[] | null {
  return flags.length === 0 ? null : [...new Set(flags)].sort();
}
