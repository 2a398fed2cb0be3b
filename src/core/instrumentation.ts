import type { JobInfo, JobReference } from "./job.ts";
import { callable, invalidOption } from "./options.ts";
import type { OutcomeName } from "./states.ts";

/** What an enqueue leaves with its jobs for whoever runs them, as headers do: the context of a trace. Never a payload. */
export type JobMeta = Readonly<Record<string, string>>;

/** A job that is about to be written. */
export interface NewJobInfo extends JobReference {
  readonly task: string;
  readonly correlationId: string | undefined;
}

/** A job whose handler is about to start, with what its enqueue left with it. */
export interface StartingJob extends JobInfo {
  readonly meta: JobMeta | undefined;
}

/** How an attempt has ended. */
export interface AttemptEnd {
  readonly outcome: OutcomeName;
  /** What failed the attempt; undefined when nothing did. */
  readonly error: unknown;
}

/** One attempt, from the start of its handler to its end. */
export interface AttemptObserver {
  /** Calls the handler, so that what it does is known to belong to this attempt. */
  run<Result>(handler: () => Result): Result;
  /** The attempt has ended; undefined: its lease was lost, so what it had to say counts no more. */
  end(end: AttemptEnd | undefined): void;
}

/** Stands around enqueues and attempts, as `otel()` of `pawl/otel` does. Its functions throw nothing of their own. */
export interface Instrumentation {
  /** Writes the jobs of one call: what it gives `write` goes with each of them. */
  enqueue<Result>(
    jobs: readonly NewJobInfo[],
    write: (meta: JobMeta) => Promise<Result>,
  ): Promise<Result>;
  /** A handler is about to start. */
  start(job: StartingJob): AttemptObserver;
}

const headerName = /^[\x21-\x7e]{1,255}$/;
const headerValue = /^[\x20-\x7e]{1,8192}$/;
const mostHeaders = 16;

/** Checks that a value can instrument. Throws `OptionError`. */
export function checkInstrumentation(option: string, given: Instrumentation): Instrumentation {
  if (typeof given !== "object" || (given as unknown) === null) {
    throw invalidOption(option, "what otel() of pawl/otel returns", given);
  }
  for (const name of ["enqueue", "start"] as const) {
    callable(`${option}.${name}`, Reflect.get(given, name) as unknown);
  }
  return given;
}

/** What of it a job can carry: only what a header could. Undefined when that is nothing. */
export function headersOf(meta: JobMeta): JobMeta | undefined {
  const headers = Object.entries(meta)
    .filter(([name, value]) => headerName.test(name) && headerValue.test(value))
    .slice(0, mostHeaders);
  return headers.length === 0 ? undefined : Object.fromEntries(headers);
}
