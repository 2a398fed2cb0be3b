export { Pawl, type PawlOptions } from "./pawl.ts";
export {
  defineTask,
  type AnyTask,
  type DefineTask,
  type Handler,
  type HandlerContext,
  type HandlerEnqueue,
  type JobRequest,
  type PayloadArguments,
  type Task,
  type TaskHandler,
  type TaskOptions,
  type TransactionClient,
} from "./core/task.ts";
export {
  exponential,
  type DelaysStrategy,
  type ExponentialStrategy,
  type Retry,
  type RetryFunction,
  type RetryStrategy,
} from "./core/retry.ts";
export {
  cancel,
  partialSuccess,
  rateLimited,
  snooze,
  type HandlerOutcome,
  type PartialResults,
} from "./core/outcome.ts";
export { typed, type InferInput, type InferOutput, type StandardSchema } from "./core/validate.ts";
export type { EnqueueOptions } from "./core/enqueue-options.ts";
export type { EnqueuedJob, EnqueueResult } from "./client/enqueuer.ts";
export type {
  CancelOutcome,
  CommandResult,
  FailOutcome,
  FinishedJob,
  JobDetails,
  JobFilter,
  JobPage,
  Jobs,
  ListedJob,
  RescheduleOptions,
  RescheduleOutcome,
  RetryOutcome,
  WriteOptions,
} from "./client/jobs.ts";
export type { JobList } from "./client/job-list.ts";
export type { ConcurrencyKeyInfo, ConcurrencyKeys } from "./client/concurrency-keys.ts";
export type { QueueInfo, Queues } from "./client/queues.ts";
export type { TaskInfo, Tasks } from "./client/tasks.ts";
export type { History, HistoryAttempt } from "./history/history.ts";
export type { Duration } from "./core/duration.ts";
export type { JobInfo, JobReference } from "./core/job.ts";
export type { JobState, OutcomeName } from "./core/states.ts";
export type { Json, JsonCompatible } from "./core/payload.ts";
export { jsonSerializer, type Serializer } from "./core/serializer.ts";
export type { Worker, WorkerHealth, WorkerState } from "./worker/worker.ts";
export type { SettledEvent, WorkerEvents } from "./worker/worker-events.ts";
export type { WorkerOptions } from "./worker/worker-options.ts";
export type { Database } from "./db/database.ts";
export type { ErrorRecord } from "./core/error-record.ts";
export type { LostJob, PayloadIssue } from "./core/errors.ts";
export type { PoolLike } from "./adapters/pg.ts";
export {
  CancelledError,
  ClosedError,
  DatabaseError,
  EmbeddedPostgresError,
  JobTimeoutError,
  LeaseLostError,
  OptionError,
  PawlError,
  PayloadError,
  QuarantinedError,
  SchemaError,
  ShutdownError,
  TaskError,
  TransactionError,
  UnrecoverableError,
  WorkerError,
} from "./core/errors.ts";
