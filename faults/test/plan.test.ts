import { describe, expect, it } from "vitest";
import { faults } from "../src/faults/all.ts";
import { plansOf } from "../src/plan.ts";
import { Chance } from "../src/random.ts";
import { workloads } from "../src/workloads/all.ts";

describe("the plans of a campaign", () => {
  it("are the same for the same seed, and others for another", () => {
    const plans = plansOf(faults, { runs: 100, seed: 7 });

    expect(plansOf(faults, { runs: 100, seed: 7 })).toEqual(plans);
    expect(plansOf(faults, { runs: 100, seed: 8 })).not.toEqual(plans);
  });

  it.each([1, 30, 100, 1_000])("are as many as were asked for: %i", (runs) => {
    expect(plansOf(faults, { runs, seed: 7 })).toHaveLength(runs);
  });

  it("have every fault, and with enough of them every cell", () => {
    const few = plansOf(faults, { runs: 30, seed: 7 });
    const many = plansOf(faults, { runs: 1_000, seed: 7 });

    expect(new Set(few.map(({ fault }) => fault)).size).toBe(faults.length);
    const cells = new Set(many.map(({ fault, workload }) => `${fault} ${workload}`));
    expect(cells.size).toBe(
      faults.flatMap((fault) => new Set(fault.workloads).size).reduce((a, b) => a + b),
    );
  });

  it("name workloads that there are", () => {
    const known = workloads.map(({ name }) => name);

    for (const fault of faults) expect(known).toEqual(expect.arrayContaining([...fault.workloads]));
  });
});

describe("a workload", () => {
  it.each(workloads)(
    "$name is the same for the same seed, and numbers each job once",
    ({ steps }) => {
      const made = steps(new Chance(7));
      const numbers = made.flatMap((step) =>
        "jobs" in step ? step.jobs.map(({ act }) => act.n) : [],
      );

      expect(steps(new Chance(7))).toEqual(made);
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(numbers.length).toBeGreaterThan(10);
    },
  );
});
