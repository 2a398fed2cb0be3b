import type { BenchReport } from "../result.ts";

/** The figures of several reports in one, which says of the rest what the first says. Throws when two have measured the same. */
export function joinReports([first, ...others]: readonly BenchReport[]): BenchReport {
  if (first === undefined) throw new Error("expected a report, got none");
  return others.reduce(join, first);
}

function join(joined: BenchReport, part: BenchReport): BenchReport {
  const known = new Set(joined.results.map(({ scenario }) => scenario));
  const twice = part.results.find(({ scenario }) => known.has(scenario));
  if (twice !== undefined) {
    throw new Error(`expected each scenario in one report, got "${twice.scenario}" in two`);
  }
  return {
    ...joined,
    results: [...joined.results, ...part.results],
    ratios: [...joined.ratios, ...part.ratios],
    missing: [...joined.missing, ...part.missing],
  };
}
