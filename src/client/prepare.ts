import { checkEnqueueOptions } from "../core/enqueue-options.ts";
import { encodePayload } from "../core/payload.ts";
import type { Serializer } from "../core/serializer.ts";
import type { JobRequest } from "../core/task.ts";
import { validate } from "../core/validate.ts";
import type { NewJob } from "../store/new-jobs.ts";

/** What turns a request into a row. */
export interface Preparation {
  readonly serializer: Serializer;
  readonly maxPayloadBytes: number;
  readonly generateId: () => string;
}

export interface PreparedJob extends NewJob {
  /** Whether the caller chose the id, so that it may have been enqueued before. */
  readonly hasOwnId: boolean;
}

/** Checks one request whole, before anything is written. Throws `PayloadError` and `OptionError`. */
export async function prepareJob(
  { task, payload, options }: JobRequest,
  preparation: Preparation,
): Promise<PreparedJob> {
  const checked = checkEnqueueOptions(options);
  if (task.schema !== undefined) await validate<unknown>(task.schema, payload);
  // What is stored is what was given: the handler gets the schema's output, made from it when it runs.
  const text = encodePayload(payload, {
    serializer: preparation.serializer,
    maxBytes: preparation.maxPayloadBytes,
  });
  return {
    id: checked.id ?? preparation.generateId(),
    hasOwnId: checked.id !== undefined,
    queue: checked.queue ?? task.queue,
    task: task.name,
    payload: text,
    priority: checked.priority ?? task.priority,
    maxAttempts: checked.maxAttempts ?? task.maxAttempts,
    delayMs: checked.delayMs,
    runAt: checked.runAt,
    correlationId: checked.correlationId,
  };
}

/** Checks all requests; the first that is wrong rejects, and names its place. */
export async function prepareJobs(
  requests: readonly JobRequest[],
  preparation: Preparation,
): Promise<PreparedJob[]> {
  const prepared: PreparedJob[] = [];
  for (const request of requests) prepared.push(await prepareJob(request, preparation));
  return prepared;
}

