import { callable, invalidOption } from "./options.ts";

/** Milliseconds since the epoch, as `Date.now` gives them. */
export type Clock = () => number;

/** A number from 0 (inclusive) to 1 (exclusive), as `Math.random` gives it. */
export type Random = () => number;

/** How often to look, in real milliseconds, where another clock decides: it may jump, so it cannot be waited for. */
export const ownClockLookMs = 25;

const latest = Date.UTC(9999, 11, 31);

/** A clock of the caller's, whose every reading is checked. Throws `OptionError`. */
export function checkClock(option: string, clock: unknown): Clock {
  callable(option, clock);
  const read = (): number => {
    const milliseconds: unknown = (clock as () => unknown)(); // called as it was checked
    if (typeof milliseconds === "number" && milliseconds >= 0 && milliseconds <= latest) {
      return Math.trunc(milliseconds);
    }
    throw invalidOption(
      option,
      "a function that returns milliseconds since the epoch, up to the year 9999",
      milliseconds,
    );
  };
  read();
  return read;
}
