import { DashboardError } from "../core/errors.ts";
import type { ApiFailure } from "./api.ts";
import { serve, type Assets } from "./assets.ts";
import { identify, type Authorize } from "./authorize.ts";
import type { Identity } from "./context.ts";
import { failureOf } from "./failures.ts";
import { assertHost, securityHeaders, type Places } from "./security.ts";

/** Answers a request, as web frameworks and `fetch` have it. */
export type DashboardHandler = (request: Request) => Promise<Response>;

/** What the dashboard answers with. */
export interface HandlerParts {
  readonly authorize: Authorize;
  readonly places: Places;
  readonly assets: Assets;
  /** Answers what the API is asked by somebody. */
  readonly api: (name: string, request: Request, who: Identity) => Promise<Response>;
  /** Hears of what whoever asked cannot help. */
  readonly report: (error: unknown) => void;
}

/** Answers below any path: only the end of an address decides. Never rejects. */
export function createHandler(parts: HandlerParts): DashboardHandler {
  return async (request) => {
    const place = placeOf(request);
    try {
      return secured(await answer(parts, request, place));
    } catch (error) {
      const failure = failureOf(error);
      if (failure.isOurs) parts.report(error);
      return secured(refuse(failure.status, failure.error, place.kind));
    }
  };
}

type Place =
  | { readonly kind: "page" }
  | { readonly kind: "beside" }
  | { readonly kind: "api"; readonly name: string }
  | { readonly kind: "asset"; readonly name: string };

function placeOf(request: Request): Place {
  const [folder, name = ""] = new URL(request.url).pathname.split("/").slice(-2);
  if (name === "") return { kind: "page" };
  if (folder === "api") return { kind: "api", name };
  if (folder === "assets") return { kind: "asset", name };
  return { kind: "beside" };
}

async function answer(parts: HandlerParts, request: Request, place: Place): Promise<Response> {
  assertHost(request, parts.places);
  const who = await identify(parts.authorize, request);
  if (place.kind === "api") return parts.api(place.name, request, who);
  if (request.method !== "GET" && request.method !== "HEAD") throw wrongMethod("GET");
  if (place.kind === "beside") return withSlash(request);
  const asset = place.kind === "page" ? parts.assets.page : parts.assets.files.get(place.name);
  if (asset !== undefined) return serve(asset, request);
  throw new DashboardError(
    "PAWL_DASHBOARD_NOT_FOUND",
    place.kind === "page"
      ? "expected the built front end in this package, got none; run `npm run build`"
      : "expected a file of the dashboard, got another name",
  );
}

/** The error for a method that a name does not take. */
export function wrongMethod(expected: "GET" | "POST"): DashboardError {
  return new DashboardError("PAWL_DASHBOARD_METHOD", `expected ${expected}, got another method`);
}

// Relative, as nobody here knows under which path the dashboard is mounted, or behind which proxy.
function withSlash(request: Request): Response {
  const { pathname, search } = new URL(request.url);
  const location = `./${pathname.split("/").at(-1)}/${search}`;
  return new Response(null, { status: 302, headers: { location } });
}

function refuse(status: number, error: ApiFailure["error"], kind: Place["kind"]): Response {
  const failure: ApiFailure = { error };
  if (kind === "api") return Response.json(failure, { status });
  const headers = { "content-type": "text/plain; charset=utf-8" };
  return new Response(`${error.code}: ${error.message}\n`, { status, headers });
}

function secured(response: Response): Response {
  for (const [name, value] of Object.entries(securityHeaders)) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}
