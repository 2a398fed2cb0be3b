import { DashboardError, OptionError } from "../core/errors.ts";
import { withDeadline } from "../core/wait.ts";
import type { Changes, Reads } from "./api.ts";
import { assertRole, neededRoles, type ApiName } from "./authorize.ts";
import type { Identity } from "./context.ts";
import { wrongMethod } from "./handler.ts";
import type { Live } from "./live.ts";
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
}

type Call = (given: unknown, who: Identity) => Promise<unknown>;

const maxBodyBytes = 1_048_576;
// No statement may take longer than 5 s, and none of these has many.
const readTimeoutMs = 20_000;

/** Answers what the API is asked, once it is known who asks. */
export function createApi(
  parts: ApiParts,
): (name: string, request: Request, who: Identity) => Promise<Response> {
  const needed = new Map<string, (typeof neededRoles)[ApiName]>(Object.entries(neededRoles));
  const reads = callsOf(parts.reads);
  const changes = callsOf(parts.changes);
  return async (name, request, who) => {
    const role = needed.get(name);
    if (role === undefined) {
      throw new DashboardError(
        "PAWL_DASHBOARD_NOT_FOUND",
        "expected a name of the dashboard's API, got another",
      );
    }
    const change = changes.get(name);
    if (change !== undefined) {
      if (request.method !== "POST") throw wrongMethod("POST");
      assertOwnPage(request, parts.places);
      assertRole(who, role, name);
      return Response.json(await change(await readBody(request), who));
    }
    if (request.method !== "GET") throw wrongMethod("GET");
    assertRole(who, role, name);
    if (name === "live") return parts.live.open(request.signal);
    const params = paramsOf(request);
    if (name === "job" && params["raw"] === "true") assertRole(who, "admin", "raw payloads");
    const read = reads.get(name);
    return Response.json(await withDeadline(answerOf(read, params, who), readTimeoutMs, tooSlow));
  };
}

// Each is given what came from outside, and checks it: its type is what it takes then.
function callsOf(handlers: ReadHandlers | ChangeHandlers): ReadonlyMap<string, Call> {
  return new Map(Object.entries(handlers) as [string, Call][]);
}

async function answerOf(
  read: Call | undefined,
  params: Readonly<Record<string, string>>,
  who: Identity,
): Promise<unknown> {
  return read?.(params, who);
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
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBodyBytes) {
      throw new DashboardError(
        "PAWL_DASHBOARD_TOO_LARGE",
        `expected a body of at most ${maxBodyBytes} bytes, got a longer one`,
      );
    }
    chunks.push(chunk);
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
