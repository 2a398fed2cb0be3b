import { buildVariable } from "../processes/pawl-module.ts";
import { campaign } from "../campaign.ts";
import type { Fault } from "../faults/fault.ts";
import { plansOf } from "../plan.ts";
import { buildMutant } from "./build-mutant.ts";
import type { Mutant } from "./mutant.ts";

/** How a seeded bug was found, or that it was not. */
export interface Hunt {
  readonly mutant: number;
  readonly name: string;
  /** How many runs it took; undefined: it was not found. */
  readonly runs: number | undefined;
  readonly fault?: string;
  readonly workload?: string;
  readonly invariant?: string;
  readonly what?: string;
}

export interface HuntOptions {
  readonly faults: readonly Fault[];
  /** At most. */
  readonly runs: number;
  readonly seed: number;
}

/** Runs the campaign on a build with a seeded bug until something is found. */
export async function hunt(mutant: Mutant, { faults, runs, seed }: HuntOptions): Promise<Hunt> {
  const { number, name } = mutant;
  process.env[buildVariable] = await buildMutant(mutant);
  try {
    let made = 0;
    let found: Hunt | undefined;
    await campaign({
      plans: plansOf(faults, { runs, seed }),
      faults,
      onRun: ({ plan, violations }) => {
        made += 1;
        const [first] = violations;
        if (first === undefined || found !== undefined) return;
        const { fault, workload } = plan;
        found = { mutant: number, name, runs: made, fault, workload, ...first };
      },
      isOver: () => found !== undefined,
    });
    return found ?? { mutant: number, name, runs: undefined };
  } finally {
    Reflect.deleteProperty(process.env, buildVariable);
  }
}
