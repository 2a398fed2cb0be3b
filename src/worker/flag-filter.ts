import { forbiddenNow, type ForbiddenFlags } from "../core/claim-options.ts";

/** Knows which flags are forbidden now. */
export class FlagFilter {
  readonly #forbidden: ForbiddenFlags;
  /** The forbidden flags, in order; null when there are none. */
  current: readonly string[] | null = null;
  #isAnnounced = true;

  constructor(forbidden: ForbiddenFlags) {
    this.#forbidden = forbidden;
    if (typeof forbidden !== "function") this.current = inOrder(forbidden);
  }

  /** Asks again; true when others are forbidden than before. Rejects when the function does. */
  async refresh(): Promise<boolean> {
    if (typeof this.#forbidden !== "function") return false;
    const before = this.current;
    this.current = inOrder(await forbiddenNow(this.#forbidden));
    const isChanged = before?.join("\0") !== this.current?.join("\0");
    if (isChanged) this.#isAnnounced = false;
    return isChanged;
  }

  /** Tells others which flags are forbidden, unless they know. When telling fails, it is for the next time. */
  async announce(tell: (flags: readonly string[] | null) => Promise<void>): Promise<void> {
    if (this.#isAnnounced) return;
    await tell(this.current);
    this.#isAnnounced = true;
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
