import { DashboardError, OptionError } from "../core/errors.ts";
import { queueName, uuid } from "../core/options.ts";
import { withDeadline } from "../core/wait.ts";
import type { Changes, Reads } from "./api.ts";
import { assertRole, neededRoles, type ApiName } from "./authorize.ts";
import type { Identity } from "./context.ts";
import { wrongMethod } from "./handler.ts";
import type { Live } from "./live.ts";
import type { Notes } from "./notes.ts";
import { assertOwnPage, type Places } from "./security.ts";

/** What can be read, by name. */
export type ReadHandlers = {
  readonly [Name in keyof Reads]: (
    params: Reads[Name]["params"],
    who: Identity,
  ) => Promise<Reads[Name]["answer"]>;
};

/** What can be changed, by name; each checks the body that it is given. */
export type ChangeHandlers = {
  readonly [Name in keyof Changes]: (
    body: unknown,
    who: Identity,
  ) => Promise<Changes[Name]["answer"]>;
};

/** What the API is made of. */
export interface ApiParts {
  readonly places: Places;
  readonly reads: ReadHandlers;
  readonly changes: ChangeHandlers;
  readonly live: Live;
  readonly notes: Notes;
}

interface Asking {
  readonly request: Request;
  readonly who: Identity;
}

const maxBodyBytes = 1_048_576;
const mostReadBytes = 16 * maxBodyBytes;
// No statement may take longer than 5 s, and none of these has many.
const readTimeoutMs = 20_000;

/** Answers what the API is asked, once it is known who asks. */
export function createApi(
  parts: ApiParts,
): (name: string, request: Request, who: Identity) => Promise<Response> {
  const names = new Set<string>(Object.keys(neededRoles));
  return async (given, request, who) => {
    if (!names.has(given)) {
      throw new DashboardError(
        "PAWL_DASHBOARD_NOT_FOUND",
        "expected a name of the dashboard's API, got another",
      );
    }
    const name = given as ApiName; // it is one of the table's
    if (isChange(parts, name)) return answerChange(parts, name, { request, who });
    if (request.method !== "GET") throw wrongMethod("GET");
    assertRole(who, neededRoles[name], name);
    if (name === "live") return parts.live.open(request);
    return answerRead(parts, name, { request, who });
  };
}

function isChange({ changes }: ApiParts, name: ApiName): name is keyof Changes {
  return Object.hasOwn(changes, name);
}

async function answerChange(
  { changes, places, notes }: ApiParts,
  name: keyof Changes,
  { request, who }: Asking,
): Promise<Response> {
  if (request.method !== "POST") throw wrongMethod("POST");
  assertOwnPage(request, places);
  let body: unknown;
  try {
    assertRole(who, neededRoles[name], name);
    body = await readBody(request);
  } catch (error) {
    await notes.refused(who, name, error);
    throw error;
  }
  return Response.json(await changes[name](body, who));
}

async function answerRead(
  { reads, notes }: ApiParts,
  name: keyof Reads,
  { request, who }: Asking,
): Promise<Response> {
  const params = paramsOf(request);
  if (name === "job" && params.raw === "true") {
    assertRole(who, "admin", "raw payloads");
    const { queue, id } = params;
    await notes.unredacted(who, { queue: queueName("queue", queue), id: uuid("id", id) });
  }
  // Each read checks the parameters that it is given: its type is what it takes then.
  const read = reads[name] as (params: object, who: Identity) => Promise<unknown>;
  return Response.json(await withDeadline(read(params, who), readTimeoutMs, tooSlow));
}

function paramsOf(request: Request): Readonly<Record<string, string>> {
  const { searchParams } = new URL(request.url);
  const names = [...searchParams.keys()];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return Object.fromEntries(searchParams);
  throw new OptionError("expected each parameter once, got one of them twice", {
    ...{ option: "parameters", expected: "each parameter once", got: "one twice" },
  });
}

/** Reads a body of JSON that is not too large, however it is sent. */
async function readBody(request: Request): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Of a request it has bytes, whatever its declaration leaves open.
  const body = request.body as ReadableStream<Uint8Array> | null;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size <= maxBodyBytes) chunks.push(chunk);
    // Whoever still sends does not hear an answer: what is not far too long is read to its end.
    else if (size > mostReadBytes) break;
  }
  if (size > maxBodyBytes) {
    throw new DashboardError(
      "PAWL_DASHBOARD_TOO_LARGE",
      `expected a body of at most ${maxBodyBytes} bytes, got a longer one`,
    );
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)));
  } catch {
    throw new DashboardError("PAWL_DASHBOARD_INVALID", "expected a body of JSON, got none");
  }
}

function tooSlow(): DashboardError {
  return new DashboardError(
    "PAWL_DASHBOARD_TIMEOUT",
    "the database took too long; ask for less, or try again later",
  );
}
