import { checkReference } from "../../client/job-list.ts";
import { checkEnqueueOptions, type EnqueueOptions } from "../../core/enqueue-options.ts";
import { integerBetween, invalidOption, queueName, taskName, text } from "../../core/options.ts";
import { decodePayload } from "../../core/payload.ts";
import type { Reference } from "../api.ts";
import type { Planned } from "../audit.ts";
import type { ReadContext } from "../context.ts";
import { redacted } from "../redact-json.ts";
import { bodyOf, type Body } from "./bodies.ts";

const members = [
  ...["task", "payload", "queue", "priority", "delay"],
  ...["correlationId", "copyOf"],
];

/** Enqueues a job with a payload that somebody has written or edited. */
export function planEnqueue({ pawl }: ReadContext, body: unknown): Planned<Reference> {
  const given = bodyOf("enqueue", body, members);
  const task = taskName("task", given.task);
  const payloadText = checkPayloadText(given.payload);
  const options = checkOptions(given);
  const copyOf = given.copyOf === undefined ? undefined : checkReference("copyOf", given.copyOf);
  // As it is stored, so that what was copied comes back as it was.
  const payload = decodePayload(payloadText, pawl.internals.serializer);
  return {
    details: { task, ...options, ...(copyOf === undefined ? {} : { copyOf }) },
    jobs: copyOf === undefined ? [] : [copyOf],
    run: async (_store, db) => {
      const { job } = await pawl.enqueueByName(task, payload, { ...options, db });
      return { queue: job.queue, id: job.id };
    },
    tell: (job) => ({ details: { job }, jobs: [job] }),
  };
}

// What was shown without its secrets must not be stored like that.
function checkPayloadText(value: unknown): string {
  const payload = text("payload", value);
  if (payload.includes(JSON.stringify(redacted))) {
    throw invalidOption("payload", `JSON text without ${redacted} in it`, "a text with it");
  }
  if (isJson(payload)) return payload;
  throw invalidOption("payload", "JSON text", "another text");
}

function isJson(given: string): boolean {
  try {
    JSON.parse(given);
    return true;
  } catch {
    return false;
  }
}

function checkOptions({ queue, priority, delay, correlationId }: Body): EnqueueOptions {
  const options: EnqueueOptions = {
    ...(queue === undefined ? {} : { queue: queueName("queue", queue) }),
    ...(priority === undefined
      ? {}
      : { priority: integerBetween("priority", priority, -32_768, 32_767) }),
    ...(delay === undefined ? {} : { delay: text("delay", delay) }),
    ...(correlationId === undefined ? {} : { correlationId: text("correlationId", correlationId) }),
  };
  checkEnqueueOptions(options);
  return options;
}
