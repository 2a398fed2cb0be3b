import type { Ratio, Result } from "../result.ts";

/** The contender that the others are compared with. */
export const ownName = "pawl";

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Compares each figure that Pawl shares with a peer, with the same settings and round by round. */
export function ratiosOf(results: readonly Result[]): Ratio[] {
  return results
    .filter(({ contender, better }) => contender === ownName && better !== undefined)
    .flatMap((own) =>
      results.filter((other) => isPeer(other, own)).flatMap((peer) => ratioOf(own, peer)),
    );
}

export function spreadOf(runs: readonly number[]): Spread {
  const sorted = runs.toSorted((a, b) => a - b);
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  const upper = sorted[Math.floor(sorted.length / 2)];
  if (lower === undefined || upper === undefined) {
    throw new RangeError("expected the runs to be at least one, got none");
  }
  return { median: (lower + upper) / 2, min: Math.min(...runs), max: Math.max(...runs) };
}

function isPeer(other: Result, own: Result): boolean {
  return (
    other.contender !== own.contender &&
    other.scenario === own.scenario &&
    other.metric === own.metric &&
    other.settings === own.settings
  );
}

/** None when no round has a pair that can be divided. */
function ratioOf(own: Result, peer: Result): Ratio[] {
  const quotients = own.runs
    .map((value, round) => quotientOf(value, peer.runs[round]))
    .filter((quotient) => Number.isFinite(quotient));
  if (quotients.length === 0) return [];
  return [
    {
      scenario: own.scenario,
      metric: own.metric,
      against: peer.contender,
      settings: own.settings,
      ...spreadOf(quotients),
    },
  ];
}

function quotientOf(value: number, divisor: number | undefined): number {
  return divisor !== undefined && Number.isFinite(divisor) ? value / divisor : Number.NaN;
}
