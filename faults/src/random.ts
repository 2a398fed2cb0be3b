import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformInt } from "pure-rand/distribution/uniformInt";

/** A seeded source of chance: the same seed draws the same numbers. */
export class Chance {
  readonly #generator: ReturnType<typeof xoroshiro128plus>;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return uniformInt(this.#generator, min, max);
  }

  /** True in `percent` of the cases. */
  isLikely(percent: number): boolean {
    return this.integer(1, 100) <= percent;
  }

  pick<Value>(values: readonly Value[]): Value {
    const value = values[this.integer(0, values.length - 1)];
    if (value === undefined) throw new RangeError("expected something to pick from");
    return value;
  }

  /** The values in another order. */
  shuffled<Value>(values: readonly Value[]): Value[] {
    const left = [...values];
    const shuffled: Value[] = [];
    while (left.length > 0) shuffled.push(...left.splice(this.integer(0, left.length - 1), 1));
    return shuffled;
  }

  /** A seed for a source of its own. */
  seed(): number {
    return this.integer(0, 0x7fff_ffff);
  }
}
