import type { CheckedEnqueueOptions } from "../core/enqueue-options.ts";
import { checkJobOptions } from "../core/enqueue-options.ts";
import { PayloadError } from "../core/errors.ts";
import { jobKeys } from "../core/job-keys.ts";
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

/** Checks one request whole, before anything is written. Throws `PayloadError`. */
export async function prepareJob(
  { task, payload, options }: { task: AnyTask; payload: unknown; options: CheckedEnqueueOptions },
  preparation: Preparation,
): Promise<PreparedJob> {
  // What is stored is what was given, as it is now: the handler gets the schema's output, made from it when it runs. So all
  // of this begins at once, and the first that fails in this order is what the caller hears.
  const accepted = begin(() => checkWith(preparation.validate, task.name, payload));
  const validated = begin(() => task.schema && validate<unknown>(task.schema, payload));
  const text = begin(() =>
    encodePayload(payload, {
      serializer: preparation.serializer,
      maxBytes: preparation.maxPayloadBytes,
    }),
  );
  const keys = begin(() => jobKeys(task, options, payload));
  await accepted;
  await validated;
  const { generateId, newId } = preparation;
  const ownId = options.id ?? (generateId && uuid("generateId", generateId()));
  return {
    id: ownId ?? newId(),
    hasOwnId: ownId !== undefined,
    queue: options.queue ?? task.queue,
    task: task.name,
    payload: await text,
    priority: options.priority ?? task.priority,
    maxAttempts: options.maxAttempts ?? task.maxAttempts,
    delayMs: options.delayMs,
    runAt: options.runAt,
    correlationId: options.correlationId,
    ...(await keys),
  };
}

function begin<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  const begun = (async () => work())();
  // Until it is awaited, its rejection has nobody to go to.
  begun.catch(() => undefined);
  return begun;
}

/** Checks all requests; the first that is wrong rejects, and names its place. Throws `OptionError` and `PayloadError`. */
export async function prepareJobs(
  requests: readonly JobRequest[],
  preparation: Preparation,
): Promise<PreparedJob[]> {
  if (!Array.isArray(requests)) {
    throw invalidOption("jobs", "a list of what task.job(…) returns", requests);
  }
  const checked = requests.map((request, place) => {
    if (!isJobRequest(request)) {
      throw invalidOption(`jobs[${place}]`, "what task.job(…) returns", request);
    }
    return { ...request, options: checkJobOptions(request.options) };
  });
  return Promise.all(
    checked.map((request, place) =>
      prepareJob(request, preparation).catch((error: unknown) => {
        throw error instanceof PayloadError ? inPlace(error, place) : error;
      }),
    ),
  );
}

function inPlace(error: PayloadError, place: number): PayloadError {
  return new PayloadError(error.code, `jobs[${place}]: ${error.message}`, {
    path: error.path,
    issues: error.issues,
    cause: error,
  });
}
