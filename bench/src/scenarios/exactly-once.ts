import type { Crew } from "./crew.ts";
import type { LedgerReport } from "../processes/ledger.ts";

/**
 * Throws unless every job from 0 to `total` has been executed exactly once by all processes together. With
 * `isComplete: false`, some may not have been executed yet.
 */
export function checkExactlyOnce(
  reports: readonly LedgerReport[],
  { total, isComplete = true }: { total: number; isComplete?: boolean },
): void {
  let missing = 0;
  let repeated = 0;
  for (let n = 0; n < total; n += 1) {
    const times = reports.reduce((sum, { counts }) => sum + (counts[n] ?? 0), 0);
    if (times === 0) missing += 1;
    if (times > 1) repeated += 1;
  }
  const executed = reports.reduce((sum, report) => sum + report.executed - report.started.size, 0);
  const unknown = executed - (total - missing) - repeated;
  if (repeated === 0 && unknown <= 0 && (missing === 0 || !isComplete)) return;
  throw new Error(
    `expected each of ${total} jobs to be executed once; ${missing} were not, ${repeated} more than once, ` +
      `${unknown} executions were of other jobs or repeated`,
  );
}

const patienceMs = 20_000;

/** Has a crew run the jobs from 0 to `total`, for 20 s at most, and checks what it has run. */
export async function checkByRunning(crew: Crew, total: number): Promise<void> {
  const isComplete = await crew.until(total, patienceMs);
  const { reports } = await crew.end();
  checkExactlyOnce(reports, { total, isComplete });
}
