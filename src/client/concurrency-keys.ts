import { checkKeys, integerBetween, invalidOption, queueName, shortText } from "../core/options.ts";
import type { Database } from "../db/database.ts";
import { listConcurrencyKeys, unlockKeys, type ConcurrencyKeyInfo } from "../store/catalog.ts";
import type { Store } from "../store/store.ts";
import { joined, type WriteOptions } from "./write-options.ts";

export type { ConcurrencyKeyInfo } from "../store/catalog.ts";

/** A concurrency key of one queue. */
export interface ConcurrencyKeyReference {
  readonly queue: string;
  readonly key: string;
}

/** The concurrency keys: what runs one at a time, or a few at a time. */
export class ConcurrencyKeys {
  readonly #store: Store<Database>;

  constructor(store: Store<Database>) {
    this.#store = store;
  }

  /**
   * A page of the keys of which a job has run, by queue and key; `after` is the last one of the page before, `limit` at
   * most 1,000 (default 100). Throws `OptionError`.
   */
  async list(
    options: {
      readonly queue?: string;
      readonly after?: ConcurrencyKeyReference;
      readonly limit?: number;
    } = {},
  ): Promise<readonly ConcurrencyKeyInfo[]> {
    checkKeys("list", options, ["queue", "after", "limit"]);
    const { queue, after, limit = 100 } = options;
    return listConcurrencyKeys(this.#store, {
      queue: queue === undefined ? undefined : queueName("queue", queue),
      after: after === undefined ? undefined : checkReference("after", after),
      limit: integerBetween("limit", limit, 1, 1_000),
    });
  }

  /**
   * Takes the running jobs of these keys (a text: in every queue; left out: of all keys) from their workers. They go back
   * to their lines, which counts as no failure; the next one starts when the old handler has returned, or its worker has
   * ended. Resolves with how many jobs. Throws `OptionError`.
   */
  async forceUnlock(
    keys?: readonly (string | ConcurrencyKeyReference)[] | string | ConcurrencyKeyReference,
    options: WriteOptions = {},
  ): Promise<number> {
    checkKeys("forceUnlock", options, ["db"]);
    const store = joined(this.#store, options);
    if (keys === undefined) return unlockKeys(store, undefined);
    const list: readonly unknown[] = Array.isArray(keys) ? keys : [keys];
    const named = list.map((key, place) =>
      typeof key === "string"
        ? { queue: null, key: shortText(`keys[${place}]`, key) }
        : checkReference(`keys[${place}]`, key),
    );
    return unlockKeys(store, named);
  }
}

function checkReference(option: string, value: unknown): ConcurrencyKeyReference {
  if (typeof value === "object" && value !== null && "queue" in value && "key" in value) {
    return {
      queue: queueName(`${option}.queue`, value.queue),
      key: shortText(`${option}.key`, value.key),
    };
  }
  throw invalidOption(option, "a key, or an object with `queue` and `key`", value);
}
