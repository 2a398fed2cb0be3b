/** What a diagnosis looks at. */
export type DiagnosisCheck =
  | "server"
  | "node"
  | "schema"
  | "drift"
  | "partitions"
  | "indexes"
  | "clock"
  | "pooler"
  | "stuckJobs"
  | "unservedJobs"
  | "bloat"
  | "autovacuum"
  | "statistics"
  | "horizon"
  | "privileges";

/** How bad it is: `"error"` keeps jobs from running or will soon, `"warning"` makes it slower or hides something. */
export type DiagnosisLevel = "error" | "warning" | "ok";

/** One thing that `pawl.maintenance.diagnose` has found. */
export interface DiagnosisFinding {
  readonly check: DiagnosisCheck;
  readonly level: DiagnosisLevel;
  /** What is so, in English. */
  readonly text: string;
  /** What to do about it; null when there is nothing to do. */
  readonly fix: string | null;
}

/** That all is well. */
export function ok(check: DiagnosisCheck, text: string): DiagnosisFinding {
  return { check, level: "ok", text, fix: null };
}

/** That something is slower or less visible than it should be. */
export function warning(check: DiagnosisCheck, text: string, fix: string): DiagnosisFinding {
  return { check, level: "warning", text, fix };
}

/** That something is wrong. */
export function failure(check: DiagnosisCheck, text: string, fix: string): DiagnosisFinding {
  return { check, level: "error", text, fix };
}

/** A number as a sentence shows it: `1,234 jobs`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
