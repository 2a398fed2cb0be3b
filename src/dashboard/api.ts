import type { JobState, OutcomeName } from "../core/states.ts";
import type {
  AuditRow,
  HistoryPageRows,
  HistoryParams,
  JobPageDetails,
  JobParams,
  JobsPage,
  JobsParams,
  PageParams,
  Reference,
  Role,
} from "./api-jobs.ts";

export type * from "./api-jobs.ts";

// What the front end asks and what it is told: the one contract between `src/dashboard` and `web`. Types alone, so that a
// front end can import it. A time is an ISO 8601 text in UTC; a duration is in milliseconds. A payload, an output and an error
// travel as JSON text, so that no number in them loses a digit; secrets in them are redacted before they are sent.
//
// A read is `GET api/<name>?…`, where each parameter is a text. A change is `POST api/<name>` with a JSON body and the header
// `x-pawl-dashboard: 1`. What is refused is answered with an `ApiFailure`.

/** Everything that can be read: by name, its parameters and its answer. */
export interface Reads {
  session: { params: None; answer: Session };
  overview: { params: None; answer: Overview };
  queues: { params: None; answer: { readonly queues: readonly QueueRow[] } };
  tasks: { params: None; answer: { readonly tasks: readonly TaskRow[] } };
  jobs: { params: JobsParams; answer: JobsPage };
  job: { params: JobParams; answer: JobPageDetails };
  history: { params: HistoryParams; answer: HistoryPageRows };
  workers: { params: None; answer: { readonly workers: readonly WorkerRow[] } };
  "rate-limits": { params: None; answer: { readonly limits: readonly RateLimitRow[] } };
  "concurrency-keys": { params: KeysParams; answer: KeysPage };
  findings: { params: None; answer: { readonly findings: readonly FindingRow[] } };
  operations: { params: None; answer: { readonly operations: readonly OperationRow[] } };
  audit: { params: PageParams; answer: AuditPage };
}

/** Everything that can be changed: by name, its body and its answer. */
export interface Changes {
  "pause-queue": { body: { readonly name: string }; answer: Done };
  "resume-queue": { body: { readonly name: string }; answer: Done };
  "pause-task": { body: { readonly name: string }; answer: Done };
  "resume-task": { body: { readonly name: string }; answer: Done };
  "retry-jobs": { body: { readonly jobs: readonly Reference[] }; answer: Outcomes };
  "cancel-jobs": {
    body: { readonly jobs: readonly Reference[]; readonly reason?: string };
    answer: Outcomes;
  };
  "reschedule-jobs": {
    body: { readonly jobs: readonly Reference[] } & Rescheduling;
    answer: Outcomes;
  };
  /**
   * What became of each: `replayed`; or nothing, for it was before (`replayedBefore`), a live job has its unique key (`kept`), it
   * `succeeded`, its payload is not kept (`payloadGone`) or not accepted (`refused`), it has not ended (`live`), or there is none (`notFound`).
   */
  "replay-jobs": { body: { readonly jobs: readonly Reference[] }; answer: Outcomes };
  /** Enqueues a job: anew, or as a copy of another with its payload edited. */
  enqueue: { body: Enqueueing; answer: Reference };
  "unlock-key": {
    body: { readonly queue: string; readonly key: string };
    answer: { readonly unlocked: number };
  };
  /** Counts what an operation would change, as far as it gets within the time for an answer. */
  "count-matching": { body: OperationPlan; answer: Count };
  "start-operation": { body: OperationPlan; answer: OperationRow };
  "stop-operation": { body: { readonly id: string }; answer: Done };
}

/** No parameters. */
export type None = Readonly<Record<string, never>>;

/** What is answered, with a status of 400 or more, to what is refused or cannot be done. */
export interface ApiFailure {
  readonly error: {
    /** `PAWL_…` as everywhere; also `PAWL_DASHBOARD_UNAUTHORIZED`, `_FORBIDDEN`, `_ORIGIN`, `_HOST`, `_TIMEOUT`, `_NOT_FOUND`. */
    readonly code: string;
    readonly message: string;
  };
}

/** Who is looking, and at what. */
export interface Session {
  readonly name: string;
  readonly role: Role;
  readonly schema: string;
  /** Of Pawl. */
  readonly version: string;
  /** What the application calls this place, such as "production"; null when it says nothing. */
  readonly environment: string | null;
}

/** A number, and whether it is only known to be at least that. */
export interface Count {
  readonly count: number;
  readonly isAtLeast: boolean;
}

export type Counts = Readonly<Record<JobState, Count>>;

export interface Done {
  /** False when it was so already. */
  readonly changed: boolean;
}

/** What became of each job that was named, in order. */
export interface Outcomes {
  readonly outcomes: readonly {
    readonly queue: string | null;
    readonly id: string;
    readonly outcome: string;
  }[];
}

/** How things are, and how the last minutes went. */
export interface Overview {
  readonly now: string;
  readonly counts: Counts;
  readonly workers: { readonly alive: number; readonly crashed: number };
  /** For how long the oldest ready job could have run; null when none is ready. */
  readonly oldestReadyMs: number | null;
  /** Oldest first, one for each interval of `intervalMs`, those of the last 15 minutes of which something is known. */
  readonly series: readonly Sample[];
  readonly intervalMs: number;
  /** Queues with something that somebody should look at: the most urgent first, at most 20. */
  readonly problems: readonly Problem[];
}

/** What ended in an interval. */
export interface Sample {
  /** The start of the interval. */
  readonly at: string;
  /** Attempts that ended in each second, by outcome; what did not happen is left out. */
  readonly perSecond: Readonly<Partial<Record<OutcomeName, number>>>;
  /** From when a job could run to its start; null when none started. */
  readonly waitMs: Percentiles | null;
  readonly runMs: Percentiles | null;
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
}

export interface Problem {
  readonly queue: string;
  readonly kind: "noWorkers" | "paused" | "late" | "failing";
  /** One sentence. */
  readonly text: string;
}

export interface QueueRow {
  readonly name: string;
  readonly paused: boolean;
  readonly counts: Counts;
  readonly oldestReadyMs: number | null;
  /** How many living workers take it. */
  readonly workers: number;
  /** How many jobs were ready, oldest first, one for each `intervalMs` of `Overview`, as far as somebody was looking. */
  readonly depths: readonly number[];
}

export interface TaskRow {
  readonly name: string;
  readonly paused: boolean;
  /** Whether this application knows the task, so that a job of it can be enqueued from here with its checks. */
  readonly isKnown: boolean;
  readonly queue: string | null;
  /** JSON text of the JSON Schema (2020-12) of its payload; null when its validator gives none. */
  readonly payloadSchema: string | null;
  /** The payload paths that it declares searchable: `user.id`. */
  readonly searchable: readonly string[];
}

export interface WorkerRow {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[] | null;
  readonly concurrency: number;
  readonly startedAt: string;
  readonly heartbeatAgeMs: number;
  readonly isAlive: boolean;
  readonly held: number;
  /** What it has held longest: at most 20. */
  readonly running: readonly (Reference & { readonly task: string; readonly since: string })[];
}

export interface RateLimitRow {
  readonly key: string;
  readonly capacity: number;
  readonly intervalMs: number;
  readonly mode: "fixed" | "sliding";
  readonly used: number;
  readonly windowEndsAt: string | null;
  readonly heldUntil: string | null;
}

export interface KeysParams extends PageParams {
  readonly queue?: string;
}

export interface KeysPage {
  readonly keys: readonly {
    readonly queue: string;
    readonly key: string;
    readonly limit: number;
    readonly running: Count;
    readonly waiting: Count;
  }[];
  readonly next: string | null;
}

export interface FindingRow {
  readonly check: string;
  readonly level: string;
  readonly message: string;
  readonly fix: string | null;
}

/** New times, relative or absolute, or another priority: at least one of these. */
export interface Rescheduling {
  readonly runAt?: string;
  /** Such as "5m". */
  readonly delay?: string;
  readonly priority?: number;
}

export interface Enqueueing {
  readonly task: string;
  /** JSON text. */
  readonly payload: string;
  readonly queue?: string;
  readonly priority?: number;
  readonly delay?: string;
  readonly correlationId?: string;
  /** The job that it is a copy of: for the audit. */
  readonly copyOf?: Reference;
}

/** What to do with all that match. */
export type OperationPlan =
  | {
      readonly action: "retry" | "cancel";
      readonly from: "jobs";
      readonly filter: Omit<JobsParams, "after" | "limit">;
    }
  | {
      readonly action: "reschedule";
      readonly from: "jobs";
      readonly filter: Omit<JobsParams, "after" | "limit">;
      readonly rescheduling: Rescheduling;
    }
  | {
      readonly action: "replay";
      readonly from: "history";
      readonly filter: Omit<HistoryParams, "after" | "limit">;
    };

/** A change of all that match, on its way in the background or ended. */
export interface OperationRow {
  readonly id: string;
  readonly plan: OperationPlan;
  readonly state: "running" | "done" | "stopped" | "failed";
  readonly startedBy: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  /** How many rows it has looked at. */
  readonly examined: number;
  /** How many it has changed. */
  readonly changed: number;
  /** How many matched but could not be changed: they had moved on. */
  readonly refused: number;
  readonly error: string | null;
}

export interface AuditPage {
  readonly entries: readonly AuditRow[];
  readonly next: string | null;
}

/** What `GET api/live` sends, every two seconds, as server-sent events named `tick`. */
export interface Tick {
  readonly overview: Overview;
}
