import { checkEnqueueOptions, type EnqueueOptions } from "../core/enqueue-options.ts";
import { invalidOption, taskName } from "../core/options.ts";
import { decodePayload } from "../core/payload.ts";
import type { Reference } from "./api.ts";
import { audited } from "./audit.ts";
import { fieldsOf, readReference } from "./bodies.ts";
import type { DashboardContext, Identity } from "./context.ts";

const known = [
  ...["task", "payload", "queue", "priority", "delay", "correlationId", "copyOf"],
] as const;
const number = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Enqueues a job that somebody has written by hand. Its task's own checks apply, when the application knows it. */
export async function enqueueByHand(
  context: DashboardContext,
  body: unknown,
  who: Identity,
): Promise<Reference> {
  const { task, payload, copyOf, ...given } = fieldsOf("enqueue", body, known);
  const name = taskName("task", task);
  const value = readPayload(payload, context);
  const origin = copyOf === undefined ? undefined : readReference("copyOf", copyOf);
  const options = given as EnqueueOptions; // checked by the next line
  checkEnqueueOptions(options);
  const details = { task: name, ...given, ...(origin && { copyOf: origin }) };
  const jobIds = origin === undefined ? [] : [origin.id];
  const { job } = await audited(context, { action: "enqueue", who, details, jobIds }, (db) =>
    context.pawl.enqueueByName(name, value, { ...options, db }),
  );
  return { queue: job.queue, id: job.id };
}

/** Throws `OptionError` for what is no JSON, or has a number that JavaScript cannot hold. */
function readPayload(payload: unknown, { serializer }: DashboardContext): unknown {
  if (typeof payload !== "string") throw invalidOption("payload", "JSON text", payload);
  try {
    JSON.parse(payload);
  } catch {
    throw invalidOption("payload", "JSON text", "something else");
  }
  for (const [token] of payload.matchAll(number)) {
    if (token.startsWith('"') || isExact(token)) continue;
    throw invalidOption("payload", "numbers of at most 15 digits, others as text", token);
  }
  return decodePayload(payload, serializer);
}

function isExact(token: string): boolean {
  const value = Number(token);
  if (!Number.isFinite(value)) return false;
  const [mantissa = ""] = token.split(/[eE]/);
  const digits = mantissa.replaceAll(/[-.]/g, "").replace(/^0+/, "").replace(/0+$/, "");
  return digits.length <= 15 || (Number.isInteger(value) && BigInt(value).toString() === token);
}
