/** Milliseconds since the epoch, as `Date.now` gives them; never trusted to decide about a job. */
export type Clock = () => number;

/** A number from 0 (inclusive) to 1 (exclusive), as `Math.random` gives it. */
export type Random = () => number;
