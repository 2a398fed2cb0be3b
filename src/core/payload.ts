import { PayloadError } from "./errors.ts";
import { describeValue } from "./options.ts";
import { checkJson, jsonSerializer, toJson, type Serializer } from "./serializer.ts";

/** Anything JSON can carry. */
export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

declare const reason: unique symbol;

/** What `JsonCompatible` gives for something JSON cannot carry; no value has this type. */
export interface NotJson<Reason extends string> {
  readonly [reason]: Reason;
}

/** `T` where JSON can carry it; what it cannot, at any depth, becomes a `NotJson` that says why. */
export type JsonCompatible<T> = unknown extends T
  ? T
  : T extends Json
    ? T
    : undefined extends T
      ? T
      : T extends bigint
        ? NotJson<"a bigint: send a string">
        : T extends symbol
          ? NotJson<"a symbol">
          : T extends object
            ? JsonCompatibleObject<T>
            : NotJson<"no JSON value">;

type JsonCompatibleObject<T extends object> = T extends Date
  ? NotJson<"a Date: send its toISOString()">
  : T extends
        ((...parameters: never[]) => unknown) | (abstract new (...parameters: never[]) => unknown)
    ? NotJson<"a function">
    : T extends
          | ReadonlyMap<unknown, unknown>
          | ReadonlySet<unknown>
          | Promise<unknown>
          | RegExp
          | Error
          | ArrayBufferView
          | ArrayBuffer
      ? NotJson<"a class instance: send a plain object">
      : { [Key in keyof T]: JsonCompatible<T[Key]> };

/** How large a payload may be, in bytes of UTF-8, unless told otherwise. */
export const defaultMaxPayloadBytes = 1_048_576;

/** The JSON text to store for a value; `root` is what the value is called in a PayloadError. */
export function encodePayload(
  value: unknown,
  options: {
    readonly serializer?: Serializer;
    readonly maxBytes?: number;
    readonly root?: string;
  } = {},
): string {
  const {
    serializer = jsonSerializer,
    maxBytes = defaultMaxPayloadBytes,
    root = "payload",
  } = options;
  const text = serializeSafely(value, serializer, root);
  checkSize(text, maxBytes, root);
  return text;
}

/** The value a stored payload stands for. */
export function decodePayload(text: string, serializer: Serializer = jsonSerializer): unknown {
  try {
    return serializer.deserialize(text);
  } catch (cause) {
    const message = "expected the stored text to be readable by the serializer, see the cause";
    throw new PayloadError("PAWL_PAYLOAD_UNDECODABLE", message, {
      path: "payload",
      issues: [{ path: "payload", message }],
      cause,
    });
  }
}

function serializeSafely(value: unknown, serializer: Serializer, root: string): string {
  try {
    if (serializer === jsonSerializer) return toJson(value, root);
    return checkText(serializer.serialize(value), root);
  } catch (cause) {
    if (cause instanceof PayloadError) throw cause;
    const message = `expected \`${root}\` to be something the serializer can write, see the cause`;
    throw new PayloadError("PAWL_PAYLOAD_INVALID", message, {
      path: root,
      issues: [{ path: root, message }],
      cause,
    });
  }
}

function checkText(text: unknown, root: string): string {
  if (typeof text !== "string") {
    throw new TypeError(`expected the serializer to give JSON text, got ${describeValue(text)}`);
  }
  checkJson(JSON.parse(text), root);
  return text;
}

function checkSize(text: string, maxBytes: number, root: string): void {
  if (text.length * 3 <= maxBytes) return;
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return;
  const message =
    `expected \`${root}\` to have at most ${maxBytes} bytes as JSON, got ${bytes}: ` +
    "store the data elsewhere and send a reference";
  throw new PayloadError("PAWL_PAYLOAD_TOO_LARGE", message, {
    path: root,
    issues: [{ path: root, message }],
  });
}
