import type { JobState, OutcomeName } from "../core/states.ts";

// Of the contract between `src/dashboard` and `web`: jobs, waiting and ended, and who did what to them.

/** What somebody may do: look; also change what waits or runs; also see what is redacted, and enqueue. */
export type Role = "viewer" | "operator" | "admin";

export interface Reference {
  readonly queue: string;
  readonly id: string;
}

/** Everything is a text, as in an address. */
export interface JobsParams extends PageParams {
  readonly state?: JobState;
  readonly queue?: string;
  readonly task?: string;
  readonly correlationId?: string;
  readonly concurrencyKey?: string;
  /** What the payload holds: `payload.user.id:42 payload.kind:"a b"`; all of them. */
  readonly search?: string;
}

export interface PageParams {
  /** The `next` of the page before. */
  readonly after?: string;
  /** 1 to 200; default 50. */
  readonly limit?: string;
}

/** A page of a search that may not have come to its end. */
export interface Page {
  /** What to give as `after` to go on; null when there is no more. */
  readonly next: string | null;
  /** Whether time ran out before the page was full: ask on from `next`. */
  readonly isCut: boolean;
  /** How many rows were looked at. */
  readonly examined: number;
}

export interface JobsPage extends Page {
  readonly jobs: readonly JobRow[];
}

export interface JobRow extends Reference {
  readonly task: string;
  readonly state: JobState;
  readonly priority: number;
  readonly attempt: number;
  readonly failures: number;
  readonly maxAttempts: number;
  readonly runAt: string;
  readonly createdAt: string;
  readonly claimedAt: string | null;
  readonly workerId: string | null;
  readonly correlationId: string | null;
  readonly concurrencyKey: string | null;
  readonly rateLimitKey: string | null;
  readonly flags: readonly string[];
  readonly lastError: string | null;
}

export interface JobParams {
  readonly queue: string;
  readonly id: string;
  /** "true": as it is, without redaction; for admins, and noted in the audit. */
  readonly raw?: string;
}

export interface JobPageDetails extends Reference {
  readonly task: string;
  readonly state: JobState | "finished";
  readonly priority: number | null;
  readonly maxAttempts: number | null;
  readonly failures: number | null;
  readonly crashes: number | null;
  readonly runAt: string;
  readonly createdAt: string;
  readonly claimedAt: string | null;
  readonly correlationId: string | null;
  readonly concurrencyKey: string | null;
  readonly rateLimitKey: string | null;
  readonly uniqueKey: string | null;
  readonly flags: readonly string[];
  readonly cancelReason: string | null;
  readonly worker: { readonly id: string; readonly name: string | null } | null;
  /** JSON text; null when its history does not keep it. */
  readonly payload: string | null;
  readonly partialResults: string | null;
  /** Whether something in what is shown was redacted. */
  readonly isRedacted: boolean;
  /** Whether the payload was cut because it is longer than 256 KiB. */
  readonly isPayloadCut: boolean;
  /** Sentences, the most decisive first. */
  readonly explanation: readonly { readonly kind: string; readonly text: string }[];
  /** In order. */
  readonly attempts: readonly AttemptRow[];
  readonly replayOf: string | null;
  /** The jobs that replay it. */
  readonly replays: readonly Reference[];
  /** Others of its correlation id, live ones first: at most 20. */
  readonly related: readonly (Reference & {
    readonly task: string;
    readonly state: JobState | "finished";
    readonly outcome: OutcomeName | null;
  })[];
  /** What was done to it from a dashboard, newest first: at most 20. */
  readonly audit: readonly AuditRow[];
}

export interface AttemptRow extends Reference {
  readonly task: string;
  readonly attempt: number;
  readonly outcome: OutcomeName;
  readonly final: boolean;
  readonly runAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string;
  readonly waitMs: number | null;
  readonly runMs: number | null;
  readonly workerId: string | null;
  readonly correlationId: string | null;
  readonly replayOf: string | null;
  readonly error: ErrorRow | null;
  /** JSON text. */
  readonly output: string | null;
}

export interface ErrorRow {
  readonly name: string;
  readonly message: string;
  readonly stack: string | null;
  readonly code: string | null;
  /** Of its causes, the outermost first: "name: message". */
  readonly causes: readonly string[];
}

export interface HistoryParams extends PageParams {
  readonly outcome?: OutcomeName;
  /** "true": only the attempts with which a job ended; "false": only the others. */
  readonly final?: string;
  readonly queue?: string;
  readonly task?: string;
  readonly correlationId?: string;
  readonly from?: string;
  readonly to?: string;
  readonly search?: string;
}

export interface HistoryPageRows extends Page {
  readonly attempts: readonly AttemptRow[];
}

export interface AuditRow {
  readonly id: string;
  readonly at: string;
  readonly by: string;
  readonly role: Role;
  /** The name of the change. */
  readonly action: string;
  /** JSON text: what it named. Never a payload. */
  readonly details: string;
  readonly outcome: "done" | "refused" | "failed";
}
