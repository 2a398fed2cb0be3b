import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { faults } from "../src/faults/all.ts";
import { guaranteesOf, type Evidence } from "../src/report/guarantees.ts";
import { promises } from "../src/report/promises.ts";
import { reportOf } from "../src/report/report.ts";
import { guaranteesPage } from "../src/report/write-guarantees.ts";
import { workloads } from "../src/workloads/all.ts";

const page = new URL("../../docs/guarantees.md", import.meta.url);
const template = readFileSync(new URL("../guarantees.md", import.meta.url), "utf8");
const ids = faults.map(({ id }) => id);

const nothing = reportOf([], { seed: 7, missing: [], finishedAt: "2026-01-02T03:04:05.678Z" });
const evidence: Evidence = {
  campaign: {
    ...{ ...nothing, runs: 1_000, passed: 1_000, executions: 123_456 },
    cells: [
      { fault: "F1", workload: "transactional", runs: 600, violations: 0 },
      { fault: "F3", workload: "keys", runs: 400, violations: 0 },
    ],
    recoveryMs: { p50: 400, p95: 1_234, max: 2_000 },
  },
  hunted: {
    seed: 5,
    hunts: [
      { mutant: 1, name: "one bug", runs: 25, fault: "F3", workload: "keys", invariant: "lost" },
      { mutant: 2, name: "another", runs: undefined },
    ],
  },
  peers: [
    {
      ...{ peer: "a queue", version: "1.2.3", expiry: "its lock", before: "active" },
      ...{ after: "completed", isTriedAgain: false, end: "completed" },
    },
  ],
};

describe("the page of guarantees", () => {
  it("says what the evidence says", () => {
    const text = guaranteesOf(template, evidence, faults);

    expect(text).toContain("npm run faults -- --runs 1000 --seed 7");
    expect(text).toContain("On 2026-01-02, 1,000 runs");
    expect(text).toContain("123,456 executions");
    expect(text).toContain("below 0.3 % with 95 % confidence");
    expect(text).toContain("1.23 s");
    expect(text).toMatch(/1 of 2 were found, after 25 runs in the mean/);
    expect(text).toContain("| 2 | another | **not found** |  |");
    expect(text).toContain(
      "| a queue 1.2.3 | its lock | active | completed | **no** | completed |",
    );
    expect(text).toMatch(
      /\| What a transactional handler writes is written exactly once\. .*\| 600 \|/,
    );
    expect(text).not.toContain("{{");
  });

  it("is not made of a campaign that found something", () => {
    const campaign = { ...evidence.campaign, passed: 999 };
    expect(() => guaranteesOf(template, { ...evidence, campaign }, faults)).toThrow(
      "expected a campaign without violations",
    );
  });

  it("is not made of a campaign in which jobs waited for longer than it says", () => {
    const campaign = { ...evidence.campaign, recoveryMs: { p50: 1_000, p95: 3_001, max: 3_001 } };
    expect(() => guaranteesOf(template, { ...evidence, campaign }, faults)).toThrow(
      "expected recoveryMs with a p95 of at most 3000 ms, got 3001 ms",
    );
  });

  it("is not made of a template that asks for what nobody knows", () => {
    expect(() => guaranteesOf("{{nonsense}}", evidence, faults)).toThrow("{{nonsense}}");
  });

  it("names faults and workloads that there are", () => {
    const named = promises.flatMap((promise) => promise.faults ?? []);
    const jobs = promises.flatMap((promise) => promise.workloads ?? []);

    expect(ids).toEqual(expect.arrayContaining(named));
    expect(workloads.map(({ name }) => name)).toEqual(expect.arrayContaining(jobs));
  });

  it("is written anew when what it is made of has changed", async () => {
    expect(readFileSync(page, "utf8")).toBe(await guaranteesPage(faults));
  });
});
