import { PayloadError } from "../core/errors.ts";
import type { Instrumentation } from "../core/instrumentation.ts";
import { decodePayload } from "../core/payload.ts";
import type { Serializer } from "../core/serializer.ts";
import type { HandlerEnqueue, TaskHandler } from "../core/task.ts";
import { validate, type StandardSchema } from "../core/validate.ts";
import type { ClaimedJob } from "../store/claimed-job.ts";
import type { Settlement } from "../store/settles.ts";
import { BadPayload } from "./decision.ts";
import { Context, type Execution } from "./execution.ts";

export interface HandlerCall {
  readonly handler: TaskHandler;
  readonly tx: object | undefined;
  readonly serializer: Serializer;
  readonly enqueueFor: (job: ClaimedJob, tx: unknown) => HandlerEnqueue;
  readonly instrumentation: Instrumentation | undefined;
}

/** Begins an attempt: decodes and checks its payload, and calls the handler. */
export function callHandler(execution: Execution, call: HandlerCall): Promise<unknown> {
  const { instrumentation } = call;
  if (instrumentation === undefined) return begin(execution, call);
  const observer = instrumentation.start(execution.job);
  execution.observer = observer;
  return observer.run(() => begin(execution, call));
}

/** Tells whoever watches an attempt how it has ended; `settlement`: undefined when its claim was lost. */
export function endObserved({ observer }: Execution, settlement: Settlement | undefined): void {
  if (observer === undefined) return;
  if (settlement === undefined) observer.end(undefined);
  else observer.end({ outcome: settlement.outcome, error: settlement.thrown?.error });
}

async function begin(execution: Execution, call: HandlerCall): Promise<unknown> {
  execution.begin(performance.now());
  let payload = payloadOf(execution, call.serializer);
  // Awaiting what is there already would cost every job a turn.
  if (payload instanceof Promise) payload = await payload.catch(refuse);
  const context = new Context(execution, { payload, tx: call.tx, enqueueFor: call.enqueueFor });
  return call.handler.run(context as never); // the task's types say what its schema gives out
}

function payloadOf({ job, task }: Execution, serializer: Serializer): unknown {
  try {
    const decoded = decodePayload(job.payloadText, serializer);
    if (task.schema === undefined) return decoded ?? undefined;
    return decoded === null
      ? validateNothing(task.schema)
      : validate<unknown>(task.schema, decoded);
  } catch (error) {
    return refuse(error);
  }
}

// JSON has no undefined, so a payload that was left out was stored as null: the schema took one of them.
async function validateNothing(schema: StandardSchema): Promise<unknown> {
  try {
    return await validate<unknown>(schema, null);
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    return await validate<unknown>(schema, undefined);
  }
}

// A validator that fails in another way may do better next time.
function refuse(error: unknown): never {
  throw error instanceof PayloadError ? new BadPayload(error) : error;
}
