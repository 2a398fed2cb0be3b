import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
} from "@opentelemetry/api";
import type { Instrumentation, JobMeta, NewJobInfo, StartingJob } from "../core/instrumentation.ts";
import { checkKeys, oneOf } from "../core/options.ts";
import { Instruments } from "./instruments.ts";

/** What `otel` takes. */
export interface OtelOptions {
  /**
   * What the span of an attempt is to the span of its enqueue: one that is linked to it, in a trace of its own, or a child
   * in the same trace. Default `"link"`, as the conventions have it.
   */
  readonly relation?: "link" | "parent";
}

const scope = "pawl";

/**
 * Spans and metrics by OpenTelemetry's conventions for messaging, through the tracer and meter providers that the process
 * has registered. Throws `OptionError`.
 *
 * ```ts
 * const pawl = new Pawl({ instrumentation: otel() });
 * ```
 */
export function otel(options: OtelOptions = {}): Instrumentation {
  checkKeys("otel", options, ["relation"]);
  const relation = oneOf("relation", options.relation ?? "link", ["link", "parent"]);
  const instruments = new Instruments();
  return {
    enqueue: (jobs, write) => observeEnqueue(jobs, write, instruments),
    start(job) {
      const { span, active } = startProcessSpan(job, relation);
      const end = instruments.beginProcess(job);
      return {
        run: (handler) => context.with(active, handler),
        end(ended) {
          const failure = ended === undefined ? "lease lost" : typeOfFailure(ended);
          if (ended !== undefined) span.setAttribute("messaging.pawl.outcome", ended.outcome);
          endSpan(span, failure, ended?.error);
          end(failure);
        },
      };
    },
  };
}

async function observeEnqueue<Result>(
  jobs: readonly NewJobInfo[],
  write: (meta: JobMeta) => Promise<Result>,
  instruments: Instruments,
): Promise<Result> {
  const span = startSendSpan(jobs);
  const active = trace.setSpan(context.active(), span);
  const meta: Record<string, string> = {};
  propagation.inject(active, meta);
  const end = instruments.beginSend(jobs);
  try {
    const result = await context.with(active, () => write(meta));
    endSpan(span, undefined, undefined);
    end(undefined);
    return result;
  } catch (error) {
    const failure = typeOf(error);
    endSpan(span, failure, error);
    end(failure);
    throw error;
  }
}

// Its context goes with every job of the call, so it is what the conventions call their creation context, and a producer.
function startSendSpan(jobs: readonly NewJobInfo[]): Span {
  const [first] = jobs;
  const queue = jobs.every((job) => job.queue === first?.queue) ? first?.queue : undefined;
  const attributes: Attributes = {
    "messaging.system": "pawl",
    "messaging.operation.name": "send",
    "messaging.operation.type": "send",
    ...(queue !== undefined && { "messaging.destination.name": queue }),
    ...(jobs.length === 1 && first !== undefined
      ? describeJob(first)
      : { "messaging.batch.message_count": jobs.length }),
  };
  const name = queue === undefined ? "send" : `send ${queue}`;
  return trace.getTracer(scope).startSpan(name, { kind: SpanKind.PRODUCER, attributes });
}

function startProcessSpan(
  job: StartingJob,
  relation: "link" | "parent",
): { span: Span; active: Context } {
  // What the worker happens to run in is no part of what the job is about.
  const created = propagation.extract(ROOT_CONTEXT, job.meta ?? {});
  const creator = trace.getSpanContext(created);
  const isChild = relation === "parent";
  const parent = isChild ? created : trace.deleteSpan(created);
  const { id, queue, task, attempt, correlationId } = job;
  const span = trace.getTracer(scope).startSpan(
    `process ${queue}`,
    {
      kind: SpanKind.CONSUMER,
      attributes: {
        "messaging.system": "pawl",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": queue,
        ...describeJob({ id, queue, task, correlationId: correlationId ?? undefined }),
        "messaging.pawl.attempt": attempt,
      },
      links: creator === undefined || isChild ? [] : [{ context: creator }],
    },
    parent,
  );
  return { span, active: trace.setSpan(parent, span) };
}

function describeJob({ id, task, correlationId }: NewJobInfo): Attributes {
  return {
    "messaging.message.id": id,
    "messaging.pawl.task": task,
    ...(correlationId !== undefined && { "messaging.message.conversation_id": correlationId }),
  };
}

function endSpan(span: Span, failure: string | undefined, error: unknown): void {
  if (failure !== undefined) {
    const message = error instanceof Error ? error.message : undefined;
    span.setAttribute("error.type", failure);
    span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
    if (error instanceof Error) span.recordException(error);
  }
  span.end();
}

function typeOfFailure({
  outcome,
  error,
}: {
  outcome: string;
  error: unknown;
}): string | undefined {
  return outcome === "failed" ? typeOf(error) : undefined;
}

// Of low cardinality: a code or a class, and never a message.
function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return "_OTHER";
  const { code } = error as { code?: unknown }; // Node's errors, and ours, have one
  return typeof code === "string" ? code : error.name;
}
