import type { Fault } from "./faults/fault.ts";
import { Chance } from "./random.ts";

/** One run: which trouble meets which work. With the same seed, the same is enqueued and the same chances are taken. */
export interface Plan {
  readonly number: number;
  readonly fault: string;
  readonly workload: string;
  readonly seed: number;
}

/** Whether each worker seems to run on a machine of its own: in every eighth run. The lowest bit has another use. */
export function isElsewhere({ seed }: Plan): boolean {
  return (seed >>> 3) % 8 === 0;
}

/** So many runs over the whole matrix, each fault by its weight and at least once where there are runs enough. */
export function plansOf(
  faults: readonly Fault[],
  { runs, seed }: { readonly runs: number; readonly seed: number },
): Plan[] {
  const chance = new Chance(seed);
  const drawn = faults.flatMap((fault, place) => {
    const workloads = chance.shuffled(fault.workloads);
    return Array.from({ length: sharesOf(faults, runs)[place] ?? 0 }, (_, index) => ({
      fault: fault.id,
      workload: workloads[index % workloads.length] ?? "plain",
      seed: chance.seed(),
    }));
  });
  return chance.shuffled(drawn).map((plan, index) => ({ number: index + 1, ...plan }));
}

/** How many runs each fault gets: by the largest remainders, so that they add up. */
function sharesOf(faults: readonly Fault[], runs: number): number[] {
  const base = runs >= faults.length ? 1 : 0;
  const left = runs - base * faults.length;
  const total = faults.reduce((sum, { weight }) => sum + weight, 0);
  const exact = faults.map(({ weight }) => (left * weight) / total);
  const shares = exact.map((share) => base + Math.floor(share));
  const places = exact
    .map((share, place) => ({ place, rest: share - Math.floor(share) }))
    .sort((a, b) => b.rest - a.rest);
  const missing = runs - shares.reduce((sum, share) => sum + share, 0);
  for (const { place } of places.slice(0, missing)) shares[place] = (shares[place] ?? 0) + 1;
  return shares;
}
