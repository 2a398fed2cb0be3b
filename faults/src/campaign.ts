import { availableParallelism } from "node:os";
import type { Fault } from "./faults/fault.ts";
import type { Plan } from "./plan.ts";
import { makeRun, type RunResult } from "./run.ts";
import { Grounds } from "./servers/site.ts";
import { Template } from "./servers/template.ts";

interface CampaignOptions {
  readonly plans: readonly Plan[];
  readonly faults: readonly Fault[];
  /** Called after each run. */
  readonly onRun: (result: RunResult) => void;
  /** Whether enough has been seen, after each run. */
  readonly isOver?: (result: RunResult) => boolean;
}

/** Makes all runs, as many at once as the machine has cores, and returns what came of each, in the order of their plans. */
export async function campaign({
  plans,
  faults,
  onRun,
  isOver = () => false,
}: CampaignOptions): Promise<RunResult[]> {
  const grounds = new Grounds(await Template.make());
  const results: RunResult[] = [];
  const waiting = [...plans];
  const faultOf = new Map(faults.map((fault) => [fault.id, fault]));
  try {
    const lanes = Array.from({ length: availableParallelism() }, async () => {
      for (let plan = waiting.shift(); plan !== undefined; plan = waiting.shift()) {
        const fault = faultOf.get(plan.fault);
        if (fault === undefined) throw new Error(`expected a fault, got "${plan.fault}"`);
        const result = await makeRun(plan, fault, grounds);
        results.push(result);
        onRun(result);
        if (isOver(result)) waiting.length = 0;
      }
    });
    await Promise.all(lanes);
  } finally {
    await grounds.close();
  }
  return results.sort((a, b) => a.plan.number - b.plan.number);
}
