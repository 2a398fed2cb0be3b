import type { Violation } from "../checker/evidence.ts";
import { isElsewhere } from "../plan.ts";
import type { RunResult } from "../run.ts";

/** What a campaign has shown, as `--json` writes it. */
export interface CampaignReport {
  /** As ISO 8601. */
  readonly finishedAt: string;
  readonly seed: number;
  readonly runs: number;
  readonly passed: number;
  readonly violations: readonly FailedRun[];
  readonly cells: readonly Cell[];
  /** Faults that this machine cannot make, and why. */
  readonly missing: readonly { readonly fault: string; readonly reason: string }[];
  readonly attempted: number;
  readonly acknowledged: number;
  readonly ok: number;
  readonly recovered: number;
  readonly executions: number;
  readonly faultsInjected: number;
  readonly lost: number;
  readonly unexpected: number;
  readonly duplicatedEffects: number;
  readonly staleSettles: number;
  /** From the kill of a worker until the last job that it ran has started again. */
  readonly recoveryMs: Spread;
  /** The same of the workloads in which nothing else keeps these jobs waiting. */
  readonly promptRecoveryMs: Spread;
  /** The same of the runs in which only its lease says whether a worker lives. */
  readonly leaseRecoveryMs: Spread;
  /** From the return of a database that was down or was replaced until the next handler starts. */
  readonly pickUpMs: Spread;
  /** From the end of another outage, in which connections stayed open, until the next handler starts. */
  readonly otherPickUpMs: Spread;
}

export interface FailedRun {
  readonly run: number;
  readonly fault: string;
  readonly workload: string;
  readonly seed: number;
  readonly found: readonly Violation[];
  readonly keptIn: string | undefined;
}

export interface Cell {
  readonly fault: string;
  readonly workload: string;
  readonly runs: number;
  readonly violations: number;
}

export interface Spread {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly max: number | null;
}

// In these, jobs wait for keys that are held for long, for blocked event loops, or for workers that die again.
const waiting = new Set(["leases", "crashers"]);
const restarts = new Set(["F5", "F5b", "F9b"]);

/** Sums up the results of runs. */
export function reportOf(
  results: readonly RunResult[],
  { seed, missing, finishedAt }: Pick<CampaignReport, "seed" | "missing" | "finishedAt">,
): CampaignReport {
  const failed = results.filter(({ violations }) => violations.length > 0);
  const found = results.flatMap(({ violations }) => violations);
  const countOf = (invariant: Violation["invariant"]): number =>
    found.filter((violation) => violation.invariant === invariant).length;
  const sumOf = (valueOf: (result: RunResult) => number): number =>
    results.reduce((sum, result) => sum + valueOf(result), 0);
  return {
    finishedAt,
    seed,
    runs: results.length,
    passed: results.length - failed.length,
    violations: failed.map(({ plan, violations, keptIn }) => ({
      run: plan.number,
      fault: plan.fault,
      workload: plan.workload,
      seed: plan.seed,
      found: violations,
      keptIn,
    })),
    cells: cellsOf(results),
    missing,
    attempted: sumOf(({ totals }) => totals.attempted),
    acknowledged: sumOf(({ totals }) => totals.acknowledged),
    ok: sumOf(({ totals }) => totals.ok),
    recovered: sumOf(({ totals }) => totals.recovered),
    executions: sumOf(({ executions }) => executions),
    faultsInjected: sumOf(({ faultsInjected }) => faultsInjected),
    lost: countOf("lost"),
    unexpected: countOf("unexpected"),
    duplicatedEffects: countOf("duplicated effect"),
    staleSettles: countOf("stale settle"),
    recoveryMs: recoveryOf(results),
    promptRecoveryMs: recoveryOf(results.filter(({ plan }) => !waiting.has(plan.workload))),
    leaseRecoveryMs: recoveryOf(results.filter(({ plan }) => isElsewhere(plan))),
    pickUpMs: pickUpOf(results.filter(({ plan }) => restarts.has(plan.fault))),
    otherPickUpMs: pickUpOf(results.filter(({ plan }) => !restarts.has(plan.fault))),
  };
}

function cellsOf(results: readonly RunResult[]): Cell[] {
  const cells = new Map<string, Cell>();
  for (const { plan, violations } of results) {
    const key = `${plan.fault} ${plan.workload}`;
    const { fault, workload } = plan;
    const cell = cells.get(key) ?? { fault, workload, runs: 0, violations: 0 };
    const runs = cell.runs + 1;
    cells.set(key, { ...cell, runs, violations: cell.violations + violations.length });
  }
  return [...cells]
    .sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }))
    .map(([, cell]) => cell);
}

function recoveryOf(results: readonly RunResult[]): Spread {
  return spreadOf(results.flatMap(({ recoveriesMs }) => recoveriesMs));
}

function pickUpOf(results: readonly RunResult[]): Spread {
  return spreadOf(results.flatMap(({ pickUpsMs }) => pickUpsMs));
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.map(Math.round).sort((a, b) => a - b);
  const at = (share: number): number | null =>
    sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}
