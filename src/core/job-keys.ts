import { OptionError } from "./errors.ts";
import {
  incompleteOption,
  type CheckedConcurrency,
  type CheckedRateLimit,
  type CheckedUnique,
  type HeldKey,
  type UniqueMode,
} from "./key-options.ts";
import { shortText } from "./options.ts";

/** What a job has besides its place in a queue, with every default filled in. */
export interface JobKeys {
  readonly concurrency?: { readonly key: string; readonly limit: number } | undefined;
  readonly rateLimit?: JobRateLimit | undefined;
  readonly unique?: JobUnique | undefined;
  readonly flags?: readonly string[] | undefined;
}

/** A rate limit of one job; one with a capacity registers the key's limit. */
export interface JobRateLimit {
  readonly key: string;
  readonly weight: number;
  readonly registration?:
    | { readonly capacity: number; readonly intervalMs: number; readonly isSliding: boolean }
    | undefined;
}

/** A unique key of one job, and what becomes of an enqueue that meets it. */
export interface JobUnique {
  readonly key: string;
  readonly mode: UniqueMode;
  readonly waitMs: number | undefined;
}

/** What a task or an enqueue says of a job's keys. */
export interface KeySettings {
  readonly concurrency: CheckedConcurrency | undefined;
  readonly rateLimit: CheckedRateLimit | undefined;
  readonly unique: CheckedUnique | undefined;
  readonly flags: readonly string[] | undefined;
}

/** The keys of one job: what its enqueue says wins over its task, member by member. Throws `OptionError`. */
export function jobKeys(
  task: KeySettings & { readonly name: string },
  given: KeySettings & { readonly delayMs: number | undefined },
  payload: unknown,
): JobKeys {
  if (!hasKeys(task) && !hasKeys(given)) return none;
  const flags = given.flags ?? task.flags ?? [];
  const keyOf = (option: string, key: HeldKey) => makeKey(option, key, { task, payload });
  return {
    concurrency: concurrencyOf(merged(task.concurrency, given.concurrency), keyOf),
    rateLimit: rateLimitOf(merged(task.rateLimit, given.rateLimit), keyOf),
    unique: uniqueOf(merged(task.unique, given.unique), keyOf, given.delayMs),
    flags: flags.length === 0 ? undefined : flags,
  };
}

const none: JobKeys = {};

function hasKeys({ concurrency, rateLimit, unique, flags }: KeySettings): boolean {
  return (concurrency ?? rateLimit ?? unique ?? flags) !== undefined;
}

type KeyMaker = (option: string, key: HeldKey) => string;

function concurrencyOf(
  settings: CheckedConcurrency | undefined,
  keyOf: KeyMaker,
): JobKeys["concurrency"] {
  if (settings === undefined) return undefined;
  return { key: keyOf("concurrency", settings.key), limit: settings.limit ?? 1 };
}

function rateLimitOf(
  settings: CheckedRateLimit | undefined,
  keyOf: KeyMaker,
): JobRateLimit | undefined {
  if (settings === undefined) return undefined;
  const { weight = 1, capacity, intervalMs, mode } = settings;
  const key = keyOf("rateLimit", settings.key);
  if (capacity === undefined || intervalMs === undefined) {
    checkRateLimitWhole(settings);
    return { key, weight };
  }
  if (weight > capacity) {
    throw incompleteOption(
      "rateLimit.weight",
      `\`rateLimit.weight\` to be at most the capacity of ${capacity}`,
      String(weight),
    );
  }
  return { key, weight, registration: { capacity, intervalMs, isSliding: mode === "sliding" } };
}

/** Refuses half a registration, and a mode of none. Throws `OptionError`. */
export function checkRateLimitWhole({ capacity, intervalMs, mode }: CheckedRateLimit): void {
  if (capacity !== undefined && intervalMs !== undefined) return;
  const given = Object.entries({ capacity, interval: intervalMs, mode });
  const names = given.filter(([, value]) => value !== undefined).map(([name]) => `\`${name}\``);
  if (names.length === 0) return;
  const expected = "`rateLimit.capacity` and `rateLimit.interval` together";
  throw incompleteOption("rateLimit", expected, `only ${names.join(" and ")}`);
}

function uniqueOf(
  settings: CheckedUnique | undefined,
  keyOf: KeyMaker,
  delayMs: number | undefined,
): JobUnique | undefined {
  if (settings === undefined) return undefined;
  const { mode = "keep", waitMs } = settings;
  if (mode === "throttle" && waitMs === undefined) {
    throw incompleteOption("unique.wait", "`unique.wait` for the mode throttle", "none");
  }
  if (mode !== "throttle" && mode !== "debounce" && waitMs !== undefined) {
    throw incompleteOption("unique.wait", "no `unique.wait` for the mode " + mode, "one");
  }
  if (mode === "debounce" && delayMs === undefined) {
    throw incompleteOption("delay", "`delay` for the mode debounce", "none");
  }
  return { key: keyOf("unique", settings.key), mode, waitMs };
}

function makeKey(
  option: string,
  key: HeldKey,
  { task, payload }: { task: { readonly name: string }; payload: unknown },
): string {
  if (typeof key === "string") return key;
  if (key === undefined) {
    throw incompleteOption(`${option}.key`, `\`${option}.key\` here or on the task`, "none");
  }
  const name = `${option}.key`;
  let made: unknown;
  try {
    made = key(payload as never); // the payload that the task's own types describe
  } catch (cause) {
    throw new OptionError(
      `expected \`${name}\` of the task "${task.name}" to return a key, but it threw: ${String(cause)}`,
      { option: name, expected: "a function that returns a key", got: "an error", cause },
    );
  }
  return shortText(name, made);
}

function merged<Settings extends object>(
  task: Settings | undefined,
  given: Settings | undefined,
): Settings | undefined {
  if (task === undefined || given === undefined) return given ?? task;
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...task, ...Object.fromEntries(said) };
}
