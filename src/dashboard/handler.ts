import { DashboardError, OptionError, PawlError, PayloadError } from "../core/errors.ts";
import { classify, sqlstate } from "../db/sqlstate.ts";
import type { ApiFailure, Changes, Reads } from "./api.ts";
import type { Assets } from "./assets.ts";
import { checkRole, identify, requiredRoles, type Authorize } from "./authorize.ts";
import type { Identity } from "./context.ts";
import { liveResponse } from "./live.ts";
import { checkHost, checkOrigin, readBody, secured } from "./security.ts";

/** Answers a request, as web frameworks and `fetch` have it. */
export type FetchHandler = (request: Request) => Promise<Response>;

/** Every read by its name. */
export type ReadHandlers = {
  readonly [Name in keyof Reads]: (
    params: Readonly<Record<string, string>>,
    who: Identity,
  ) => Promise<Reads[Name]["answer"]>;
};

/** Every change by its name. */
export type ChangeHandlers = {
  readonly [Name in keyof Changes]: (
    body: unknown,
    who: Identity,
  ) => Promise<Changes[Name]["answer"]>;
};

/** What a handler is made of. */
export interface HandlerParts {
  readonly authorize: Authorize;
  readonly origins: readonly string[];
  readonly hosts: readonly string[] | undefined;
  readonly assets: Assets;
  readonly reads: ReadHandlers;
  readonly changes: ChangeHandlers;
}

const statuses: Readonly<Record<DashboardError["code"], number>> = {
  PAWL_DASHBOARD_UNAUTHORIZED: 401,
  PAWL_DASHBOARD_FORBIDDEN: 403,
  PAWL_DASHBOARD_ORIGIN: 403,
  PAWL_DASHBOARD_HOST: 403,
  PAWL_DASHBOARD_REQUEST: 400,
  PAWL_DASHBOARD_NOT_FOUND: 404,
  PAWL_DASHBOARD_TIMEOUT: 504,
};
const statementCancelled = "57014";

/** Makes the handler: it looks only at the end of the path, so that it can be mounted anywhere. */
export function makeHandler(parts: HandlerParts): FetchHandler {
  return async (request) => {
    try {
      return secured(await route(request, parts));
    } catch (error) {
      return secured(failureResponse(error));
    }
  };
}

async function route(request: Request, parts: HandlerParts): Promise<Response> {
  checkHost(request, parts.hosts);
  const [folder, name = ""] = new URL(request.url).pathname.split("/").slice(-2);
  if (folder === "assets" && name !== "") return asset(name, parts.assets);
  const who = await identify(request, parts.authorize);
  if (folder === "api" && name !== "") return answer(request, name, { who, parts });
  if (request.method !== "GET" && request.method !== "HEAD") throw wrongMethod("GET", request);
  // Without the slash at its end, the page would look for its files in the folder above.
  if (name !== "") return new Response(null, { status: 308, headers: { location: `./${name}/` } });
  return parts.assets.page(request);
}

function asset(name: string, assets: Assets): Response {
  const file = assets.file(name);
  if (file !== undefined) return file;
  throw new DashboardError("PAWL_DASHBOARD_NOT_FOUND", `expected a file of the page, got ${JSON.stringify(name)}`);
}

async function answer(
  request: Request,
  name: string,
  { who, parts }: { readonly who: Identity; readonly parts: HandlerParts },
): Promise<Response> {
  const { reads, changes, origins } = parts;
  if (!Object.hasOwn(requiredRoles, name)) {
    throw new DashboardError("PAWL_DASHBOARD_NOT_FOUND", `expected a name of the API, got ${JSON.stringify(name)}`);
  }
  checkRole(who, requiredRoles[name as keyof typeof requiredRoles], name); // one of its keys
  if (Object.hasOwn(changes, name)) {
    if (request.method !== "POST") throw wrongMethod("POST", request);
    checkOrigin(request, origins);
    const body = await readBody(request);
    return json(await changes[name as keyof Changes](body, who));
  }
  if (request.method !== "GET") throw wrongMethod("GET", request);
  if (name === "live") return liveResponse(request, async () => ({ overview: await reads.overview({}, who) }));
  const params = Object.fromEntries(new URL(request.url).searchParams);
  return json(await reads[name as keyof Reads](params, who));
}

function wrongMethod(expected: string, { method }: Request): DashboardError {
  return new DashboardError("PAWL_DASHBOARD_REQUEST", `expected ${expected}, got ${method}`);
}

function json(value: unknown, status = 200): Response {
  const headers = { "content-type": "application/json; charset=utf-8" };
  return new Response(JSON.stringify(value), { status, headers });
}

// What is not known to be harmless is not shown: a database's message may hold values.
function failureResponse(error: unknown): Response {
  const { status, ...failure } = failureOf(error);
  return json({ error: failure } satisfies ApiFailure, status);
}

function failureOf(error: unknown): { status: number; code: string; message: string } {
  if (error instanceof DashboardError) {
    return { status: statuses[error.code], code: error.code, message: error.message };
  }
  if (sqlstate(error) === statementCancelled) {
    const message = "The database did not answer in time; ask for less, or try again.";
    return { status: 504, code: "PAWL_DASHBOARD_TIMEOUT", message };
  }
  if (["reconnect", "resources", "retry"].includes(classify(error))) {
    const message = "The database cannot be reached at the moment.";
    return { status: 503, code: "PAWL_DATABASE_UNAVAILABLE", message };
  }
  if (error instanceof OptionError || error instanceof PayloadError) {
    return { status: 400, code: error.code, message: error.message };
  }
  if (error instanceof PawlError) return { status: 409, code: error.code, message: error.message };
  return { status: 500, code: "PAWL_DASHBOARD_FAILED", message: "Something went wrong." };
}
