import { forbiddenNow, type ForbiddenFlags } from "../core/claim-options.ts";

/** Knows which flags are forbidden now. */
export class FlagFilter {
  readonly #forbidden: ForbiddenFlags;
  /** The forbidden flags, in order; null when there are none. */
  current: readonly string[] | null = null;

  constructor(forbidden: ForbiddenFlags) {
    this.#forbidden = forbidden;
    if (typeof forbidden !== "function") this.current = inOrder(forbidden);
  }

  /** Asks again; true when others are forbidden than before. Rejects when the function does. */
  async refresh(): Promise<boolean> {
    if (typeof this.#forbidden !== "function") return false;
    const before = this.current;
    this.current = inOrder(await forbiddenNow(this.#forbidden));
    return before?.join("\0") !== this.current?.join("\0");
  }

  /** Whether jobs with these flags may be taken. */
  allow(flags: readonly string[]): boolean {
    const { current } = this;
    return current === null || !flags.some((flag) => current.includes(flag));
  }
}

function inOrder(flags: readonly string[]): readonly string[] | null {
  return flags.length === 0 ? null : [...new Set(flags)].sort();
}
