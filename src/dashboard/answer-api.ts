import { DashboardError, OptionError } from "../core/errors.ts";
import type { Changes, Reads } from "./api.ts";
import { assertRole, neededRoles, type ApiName } from "./authorize.ts";
import type { Identity } from "./context.ts";
import { wrongMethod } from "./handler.ts";
import type { Live } from "./live.ts";
import { assertOwnPage, type Places } from "./security.ts";

/** What can be read, by name; each checks the parameters that it is given. */
export type ReadHandlers = {
  readonly [Name in keyof Reads]: (
    params: Reads[Name]["params"],
    who: Identity,
  ) => Promise<Reads[Name]["answer"]>;
};

/** What makes changes. */
export interface Changer {
  /** Makes a change, and notes it. Throws what refuses it. */
  change(name: keyof Changes, body: unknown, who: Identity): Promise<unknown>;
  /** Notes that somebody was refused a change. */
  noteRefusal(name: keyof Changes, who: Identity, error: unknown): Promise<void>;
  readonly names: readonly (keyof Changes)[];
}

/** What the API is made of. */
export interface ApiParts {
  readonly places: Places;
  readonly reads: ReadHandlers;
  readonly changer: Changer;
  readonly live: Live;
}

const mostBodyBytes = 1_048_576;

/** Answers what the API is asked, once it is known who asks. */
export function makeApi(
  parts: ApiParts,
): (name: string, request: Request, who: Identity) => Promise<Response> {
  const changes: ReadonlyMap<string, keyof Changes> = new Map(
    parts.changer.names.map((name) => [name, name]),
  );
  // Each checks what it is given, which comes from outside.
  const reads = new Map<string, unknown>(Object.entries(parts.reads)) as ReadonlyMap<string, Read>;
  return async (name, request, who) => {
    const change = changes.get(name);
    if (change !== undefined) return answerChange(parts, change, { request, who });
    const read = reads.get(name);
    if (read === undefined && name !== "live") {
      throw new DashboardError(
        "PAWL_DASHBOARD_NOT_FOUND",
        "expected a name of the dashboard's API, got another",
      );
    }
    if (request.method !== "GET") throw wrongMethod("GET");
    assertRole(who, neededRoles[name as ApiName], name); // there is a read of it
    if (read === undefined) return parts.live.open(request.signal);
    return Response.json(await read(paramsOf(request), who));
  };
}

type Read = (params: Readonly<Record<string, string>>, who: Identity) => Promise<unknown>;

async function answerChange(
  { changer, places }: ApiParts,
  name: keyof Changes,
  { request, who }: { readonly request: Request; readonly who: Identity },
): Promise<Response> {
  if (request.method !== "POST") throw wrongMethod("POST");
  assertOwnPage(request, places);
  try {
    assertRole(who, neededRoles[name], name);
  } catch (error) {
    await changer.noteRefusal(name, who, error);
    throw error;
  }
  return Response.json(await changer.change(name, await readBody(request), who));
}

function paramsOf(request: Request): Readonly<Record<string, string>> {
  const { searchParams } = new URL(request.url);
  const names = [...searchParams.keys()];
  if (new Set(names).size === names.length) return Object.fromEntries(searchParams);
  throw new OptionError("expected each parameter once, got one of them twice", {
    ...{ option: "parameters", expected: "each parameter once", got: "one twice" },
  });
}

/** Reads a body of JSON that is not too large, however it is sent. */
async function readBody(request: Request): Promise<unknown> {
  if (Number(request.headers.get("content-length")) > mostBodyBytes) throw tooLarge();
  const text = await readText(request);
  try {
    return JSON.parse(text);
  } catch {
    throw new OptionError("expected the body to be JSON, got something else", {
      ...{ option: "body", expected: "JSON", got: "something else" },
    });
  }
}

// What is too long is left where it is: to cancel it would end the connection before the answer.
async function readText({ body }: Request): Promise<string> {
  if (body === null) return "";
  const reader = (body as ReadableStream<Uint8Array>).getReader(); // the body of a request has bytes
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks).toString();
    size += value.byteLength;
    if (size > mostBodyBytes) throw tooLarge();
    chunks.push(value);
  }
}

function tooLarge(): DashboardError {
  const message = `expected a body of at most ${mostBodyBytes} bytes, got a longer one`;
  return new DashboardError("PAWL_DASHBOARD_TOO_LARGE", message);
}
