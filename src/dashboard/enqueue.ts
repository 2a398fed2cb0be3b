import { checkEnqueueOptions, type EnqueueOptions } from "../core/enqueue-options.ts";
import { OptionError } from "../core/errors.ts";
import { invalidOption, optional, taskName } from "../core/options.ts";
import { decodePayload } from "../core/payload.ts";
import type { Reference } from "./api.ts";
import { membersOf, readReference } from "./bodies.ts";
import type { ChangeContext } from "./context.ts";
import { inexactNumber } from "./exact-numbers.ts";
import type { PreparedChange } from "./changes.ts";

const names = [
  ...["task", "payload", "queue", "priority", "delay", "correlationId", "copyOf"],
] as const;

/** Prepares the enqueue of a job that somebody has written by hand; its task's own checks apply when the application knows it. */
export function prepareEnqueue(
  { pawl, serializer }: Pick<ChangeContext, "pawl" | "serializer">,
  body: unknown,
): PreparedChange<Reference> {
  const { task, payload, copyOf, ...given } = membersOf("enqueue", body, names);
  const name = taskName("task", task);
  const value = decodePayload(readJson(payload), serializer);
  const copied = optional(copyOf, (reference) => readReference("copyOf", reference));
  const options = given as EnqueueOptions; // checked by the next line
  checkEnqueueOptions(options);
  return {
    details: { task: name, ...given, ...(copied && { copyOf: copied }) },
    jobs: copied && [copied],
    run: async ({ db }) => {
      const { job } = await pawl.enqueueByName(name, value, { ...options, db });
      const { queue, id } = job;
      return { answer: { queue, id }, details: { job: { queue, id } } };
    },
  };
}

function readJson(payload: unknown): string {
  if (typeof payload !== "string") throw invalidOption("payload", "JSON text", payload);
  try {
    JSON.parse(payload);
  } catch {
    // Never the text itself, which may be a secret.
    throw refused("JSON text", "something else");
  }
  const number = inexactNumber(payload);
  if (number === undefined) return payload;
  throw refused("JSON text with numbers that JavaScript can hold, longer ones as texts", number);
}

function refused(expected: string, got: string): OptionError {
  return new OptionError(`expected \`payload\` to be ${expected}, got ${got.slice(0, 60)}`, {
    ...{ option: "payload", expected, got: got.slice(0, 60) },
  });
}
