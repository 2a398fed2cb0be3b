import type { CheckedEnqueueOptions } from "../core/enqueue-options.ts";
import { checkJobOptions } from "../core/enqueue-options.ts";
import { PayloadError } from "../core/errors.ts";
import { jobKeys, type JobKeys } from "../core/job-keys.ts";
import { invalidOption, uuid } from "../core/options.ts";
import { encodePayload } from "../core/payload.ts";
import type { Serializer } from "../core/serializer.ts";
import { isJobRequest, type AnyTask, type JobRequest } from "../core/task.ts";
import { checkWith, validate, type PayloadValidator } from "../core/validate.ts";
import type { NewJob } from "../store/new-jobs.ts";

/** What turns a request into a row. */
export interface Preparation {
  readonly serializer: Serializer;
  readonly maxPayloadBytes: number;
  /** The application's own check of every payload, if it has one. */
  readonly validate: PayloadValidator | undefined;
  /** The application's own generator, if it has one. */
  readonly generateId: (() => string) | undefined;
  readonly newId: () => string;
}

export interface PreparedJob extends NewJob {
  /** Whether the caller or its generator chose the id, so that it may have been enqueued before. */
  readonly hasOwnId: boolean;
}

interface Request {
  readonly task: AnyTask;
  readonly payload: unknown;
  readonly options: CheckedEnqueueOptions;
}

/**
 * Checks one request whole, before anything is written: at once where its checks are, since a promise for each of ten
 * thousand jobs costs more than all the rest. Throws `PayloadError`.
 */
export function prepareJob(
  request: Request,
  preparation: Preparation,
): PreparedJob | Promise<PreparedJob> {
  const { task, payload, options } = request;
  const { validate: check, serializer, maxPayloadBytes: maxBytes } = preparation;
  // What is stored is what was given, as it is now: the handler gets the schema's output, made from it when it runs. So all
  // of this begins at once, and the first that fails in this order is what the caller hears.
  const accepted = begin(() => check && checkWith(check, task.name, payload));
  const validated = begin(() => task.schema && validate<unknown>(task.schema, payload));
  const text = begin(() => encodePayload(payload, { serializer, maxBytes }));
  const keys = begin(() => jobKeys(task, options, payload));
  const isMade = !isPromise(accepted) && !isPromise(validated);
  if (isMade && !isPromise(text) && !isPromise(keys)) {
    return prepared(request, preparation, { text, keys });
  }
  return (async () => {
    await accepted;
    await validated;
    return prepared(request, preparation, { text: await text, keys: await keys });
  })();
}

function prepared(
  { task, options }: Request,
  { generateId, newId }: Preparation,
  { text, keys }: { text: string; keys: JobKeys },
): PreparedJob {
  const ownId = options.id ?? (generateId && uuid("generateId", generateId()));
  return {
    id: ownId ?? newId(),
    hasOwnId: ownId !== undefined,
    queue: options.queue ?? task.queue,
    task: task.name,
    payload: text,
    priority: options.priority ?? task.priority,
    maxAttempts: options.maxAttempts ?? task.maxAttempts,
    delayMs: options.delayMs,
    runAt: options.runAt,
    correlationId: options.correlationId,
    concurrency: keys.concurrency,
    rateLimit: keys.rateLimit,
    unique: keys.unique,
    flags: keys.flags,
  };
}

function begin<Result>(work: () => Result | Promise<Result>): Result | Promise<Result> {
  try {
    return work();
  } catch (error) {
    // What it throws is the caller's own, and goes on to the caller as it is.
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    const failed = Promise.reject<Result>(error);
    // Until it is awaited, its rejection has nobody to go to.
    failed.catch(() => undefined);
    return failed;
  }
}

function isPromise<Result>(given: Result | Promise<Result>): given is Promise<Result> {
  return given instanceof Promise;
}

function isReady(job: PreparedJob | Promise<PreparedJob>): job is PreparedJob {
  return !isPromise(job);
}

/** Checks all requests; the first that is wrong rejects, and names its place. Throws `OptionError` and `PayloadError`. */
export async function prepareJobs(
  requests: readonly JobRequest[],
  preparation: Preparation,
): Promise<PreparedJob[]> {
  if (!Array.isArray(requests)) {
    throw invalidOption("jobs", "a list of what task.job(…) returns", requests);
  }
  const checked = requests.map((request: unknown, place): Request => {
    if (!isJobRequest(request)) {
      throw invalidOption(`jobs[${place}]`, "what task.job(…) returns", request);
    }
    const { task, payload } = request;
    return { task, payload, options: checkJobOptions(request.options) };
  });
  const jobs = checked.map((request, place) => {
    const job = prepareJob(request, preparation);
    return isPromise(job) ? job.catch((error: unknown) => rethrow(error, place)) : job;
  });
  return jobs.every(isReady) ? jobs : Promise.all(jobs.map((job) => Promise.resolve(job)));
}

function rethrow(error: unknown, place: number): never {
  throw error instanceof PayloadError ? inPlace(error, place) : error;
}

function inPlace(error: PayloadError, place: number): PayloadError {
  return new PayloadError(error.code, `jobs[${place}]: ${error.message}`, {
    path: error.path,
    issues: error.issues,
    cause: error,
  });
}
