import type { Fault } from "../faults/fault.ts";
import type { RunResult } from "../run.ts";
import type { CampaignReport, FailedRun, Spread } from "./report.ts";

/** A table with a line for each fault, and what all runs together have shown. */
export function summaryOf(report: CampaignReport, faults: readonly Fault[]): string {
  const rows = faults.flatMap(({ id, name }) => {
    const cells = report.cells.filter(({ fault }) => fault === id);
    const runs = cells.reduce((sum, cell) => sum + cell.runs, 0);
    const violations = cells.reduce((sum, cell) => sum + cell.violations, 0);
    if (runs === 0) return [];
    const workloads = cells.map((cell) => `${cell.workload} ${cell.runs}`).join(", ");
    return [`${id.padEnd(5)}${name.padEnd(26)}${pad(runs, 5)}${pad(violations, 6)}  ${workloads}`];
  });
  const { executions, faultsInjected, attempted, acknowledged, ok, recovered } = report;
  return [
    `${"".padEnd(5)}${"fault".padEnd(26)}${"runs".padStart(5)}${"viol.".padStart(6)}  workloads`,
    ...rows,
    ...report.missing.map(({ fault, reason }) => `${fault.padEnd(5)}not run: ${reason}`),
    "",
    `${executions} executions, ${faultsInjected} faults`,
    `enqueues: ${attempted} attempted, ${acknowledged} acknowledged, ${ok} ok, ${recovered} recovered`,
    `lost ${report.lost}, unexpected ${report.unexpected}, duplicated effects ${report.duplicatedEffects}, stale settles ${report.staleSettles}`,
    `recovery after a kill: ${spread(report.recoveryMs)}`,
    `the same where nothing else keeps the jobs waiting: ${spread(report.promptRecoveryMs)}`,
    `the same where only the lease tells: ${spread(report.leaseRecoveryMs)}`,
    `pick-up after a restart of the database: ${spread(report.pickUpMs)}`,
    `pick-up after another outage: ${spread(report.otherPickUpMs)}`,
  ].join("\n");
}

/** What one failing run has shown, and how to have it again. */
export function failureOf({ run, fault, workload, seed, found, keptIn }: FailedRun): string {
  return [
    `run ${run}: ${fault} with ${workload}, seed ${seed}`,
    ...found.slice(0, 10).map(({ invariant, what }) => `  ${invariant}: ${what}`),
    ...(found.length > 10 ? [`  and ${found.length - 10} more`] : []),
    `  its history: ${keptIn ?? "not kept"}`,
    `  again: npm run faults -- --replay ${fault}/${workload}/${seed}`,
  ].join("\n");
}

/** One line on how far a campaign is. */
export function progressOf(results: readonly RunResult[], runs: number): string {
  const failed = results.filter(({ violations }) => violations.length > 0).length;
  return `${results.length} of ${runs} runs, ${failed} with violations`;
}

function spread({ p50, p95, max }: Spread): string {
  return p50 === null ? "none seen" : `p50 ${p50} ms, p95 ${p95 ?? 0} ms, max ${max ?? 0} ms`;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width);
}
