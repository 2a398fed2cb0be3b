export { Pawl } from "./pawl.ts";
export type { PawlEvents } from "./pawl-events.ts";
export type { PawlOptions } from "./pawl-options.ts";
export {
  defineTask,
  type AnyTask,
  type DefineTask,
  type Handler,
  type HistoryKeep,
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
export {
  typed,
  type InferInput,
  type InferOutput,
  type PayloadValidator,
  type SchemaIssue,
  type StandardSchema,
} from "./core/validate.ts";
export type { EnqueueOptions, EnqueueOutcome } from "./core/enqueue-options.ts";
export type {
  ConcurrencyOptions,
  Key,
  RateLimitMode,
  RateLimitOptions,
  TaskConcurrencyOptions,
  TaskRateLimitOptions,
  TaskUniqueOptions,
  UniqueMode,
  UniqueOptions,
} from "./core/key-options.ts";
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
export type {
  BehindReason,
  CancellingReason,
  DueReason,
  FinishedReason,
  FlagsRefusedReason,
  JobExplanation,
  JobReason,
  KeyHeldReason,
  KeyHolder,
  NextReason,
  NoWorkerReason,
  QueuePausedReason,
  RateLimitReason,
  RunningReason,
  ScheduledBecause,
  ScheduledReason,
  TaskPausedReason,
  WorkersBusyReason,
} from "./client/explanation.ts";
export type { JobList } from "./client/job-list.ts";
export type { ConcurrencyKeyInfo, ConcurrencyKeys } from "./client/concurrency-keys.ts";
export type { QueueInfo, Queues } from "./client/queues.ts";
export type { TaskInfo, Tasks } from "./client/tasks.ts";
export type { RateLimit, RateLimitRegistration, RateLimits } from "./client/rate-limits.ts";
export type { WorkerInfo, Workers } from "./client/workers.ts";
export type { History, HistoryPage, RecentOutcomes } from "./history/history.ts";
export type { HistoryAttempt } from "./history/history-attempt.ts";
export type { HistoryListOptions } from "./history/list-options.ts";
export type { PayloadEdit, ReplayableOutcome, ReplayOptions } from "./history/replay-options.ts";
export type { ReplayResult } from "./history/replayer.ts";
export type {
  DiagnosisCheck,
  DiagnosisFinding,
  DiagnosisLevel,
} from "./maintenance/diagnosis/finding.ts";
export type {
  Maintenance,
  PruneTasksOptions,
  ResetLockedJobsOptions,
} from "./maintenance/maintenance.ts";
export type { Duration } from "./core/duration.ts";
export type {
  AttemptEnd,
  AttemptObserver,
  Instrumentation,
  JobMeta,
  NewJobInfo,
  StartingJob,
} from "./core/instrumentation.ts";
export type { Logger } from "./core/logger.ts";
export type { JobInfo, JobReference } from "./core/job.ts";
export type { JobState, OutcomeName } from "./core/states.ts";
export type { Json, JsonCompatible } from "./core/payload.ts";
export { jsonSerializer, type Serializer } from "./core/serializer.ts";
export {
  LocalQueue,
  type JobSource,
  type LocalQueueOptions,
  type LocalQueueStats,
} from "./worker/local-queue.ts";
export type {
  ClaimOptions,
  CompleteOptions,
  FailedJob,
  HeldJob,
  ReleaseOptions,
  SettleOptions,
} from "./core/manual-claims.ts";
export type { ClaimFilter, ForbiddenFlags } from "./core/claim-options.ts";
export type { Measurement, QueueMeasurement } from "./store/measurements.ts";
export type { Worker, WorkerHealth, WorkerState } from "./worker/worker.ts";
export type { SettledEvent, WorkerEvents } from "./worker/worker-events.ts";
export type { Ack, FailedAttempt, WorkerHooks } from "./worker/hooks.ts";
export type { WorkOnceResult } from "./worker/work-once.ts";
export type { WorkerOptions } from "./worker/worker-options.ts";
export type { MigrateOptions } from "./db/migrate.ts";
export type { Database } from "./db/database.ts";
export type { ErrorRecord } from "./core/error-record.ts";
export type { LostJob, PayloadIssue } from "./core/errors.ts";
export type { PoolLike } from "./adapters/pg.ts";
export {
  CancelledError,
  ClosedError,
  DashboardError,
  DatabaseError,
  EmbeddedPostgresError,
  JobTimeoutError,
  LeaseLostError,
  OptionError,
  PawlError,
  PayloadError,
  QuarantinedError,
  RateLimitError,
  SchemaError,
  ShutdownError,
  TaskError,
  TransactionError,
  UnrecoverableError,
  WorkerError,
} from "./core/errors.ts";
