import { invalidOption, queueName, shortText, taskName } from "./options.ts";

/** Flags whose jobs are left to others: a list, or a function that is asked before each claim. */
export type ForbiddenFlags =
  readonly string[] | (() => readonly string[] | Promise<readonly string[]>);

/** Which jobs a claim by hand takes. */
export interface ClaimFilter {
  /** Only jobs of these tasks. Default: of any task. */
  readonly tasks?: readonly string[];
  /** Only jobs of these queues, which are drained in this order. Default: any queue, in turn. */
  readonly queues?: readonly string[];
  /** No jobs that carry any of these flags. Default: none. */
  readonly forbiddenFlags?: ForbiddenFlags;
}

/** The largest batch of jobs that is claimed at once by hand. */
export const maxBatchSize = 1_000;

/** The same, checked; what was left out stays out. Throws `OptionError`. */
export function checkClaimFilter({ tasks, queues, forbiddenFlags }: ClaimFilter): ClaimFilter {
  return {
    ...(tasks !== undefined && { tasks: namesIn("tasks", tasks, taskName) }),
    ...(queues !== undefined && { queues: namesIn("queues", queues, queueName) }),
    ...(forbiddenFlags !== undefined && { forbiddenFlags: checkForbidden(forbiddenFlags) }),
  };
}

/** The flags to leave out now. Throws `OptionError` when the function gives anything else. */
export async function forbiddenNow(flags: ForbiddenFlags = []): Promise<readonly string[]> {
  return checkFlags(typeof flags === "function" ? await flags() : flags);
}

/** Checks which flags are forbidden; what a function returns is checked each time. Throws `OptionError`. */
export function checkForbidden(flags: ForbiddenFlags): ForbiddenFlags {
  return typeof flags === "function" ? flags : checkFlags(flags);
}

function checkFlags(flags: unknown): readonly string[] {
  if (Array.isArray(flags)) return flags.map((flag) => shortText("forbiddenFlags", flag));
  throw invalidOption("forbiddenFlags", "a list of flags, or a function that returns one", flags);
}

function namesIn(
  option: string,
  names: unknown,
  check: (option: string, name: unknown) => string,
): readonly string[] {
  if (Array.isArray(names) && names.length > 0) {
    return [...new Set(names.map((name) => check(option, name)))];
  }
  throw invalidOption(option, "a list with at least one name, or left out for any", names);
}
