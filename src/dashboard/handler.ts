import { DashboardError } from "../core/errors.ts";
import type { ApiFailure } from "./api.ts";
import { serve, type Assets } from "./assets.ts";
import { identify, neededRoles, type Authorize } from "./authorize.ts";
import type { Identity } from "./context.ts";
import { failureOf } from "./failures.ts";
import { assertHost, secured, type Places } from "./security.ts";
import type { FetchHandler } from "./to-node-handler.ts";

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
export function makeHandler(parts: HandlerParts): FetchHandler {
  return async (request) => {
    const place = placeOf(request);
    try {
      return secured(await answer(parts, request, place));
    } catch (error) {
      const { status, error: refusal } = failureOf(error);
      if (status === 500) parts.report(error);
      return secured(refuse(status, refusal, place));
    }
  };
}

interface Place {
  readonly kind: "page" | "beside" | "api" | "asset";
  readonly name: string;
}

function placeOf({ url, headers }: Request): Place {
  const [folder, name = ""] = new URL(url).pathname.split("/").slice(-2);
  if (name === "") return { kind: "page", name };
  if (folder === "api" && Object.hasOwn(neededRoles, name)) return { kind: "api", name };
  // Somebody has mounted it as `/api/board` or `/assets/board`, and opens that without the slash.
  if (headers.get("accept")?.includes("text/html")) return { kind: "beside", name };
  if (folder === "api") return { kind: "api", name };
  return { kind: folder === "assets" ? "asset" : "beside", name };
}

async function answer(parts: HandlerParts, request: Request, place: Place): Promise<Response> {
  assertHost(request, parts.places);
  const who = await identify(parts.authorize, request);
  if (place.kind === "api") return parts.api(place.name, request, who);
  if (request.method !== "GET" && request.method !== "HEAD") throw wrongMethod("GET or HEAD");
  if (place.kind === "beside") return withSlash(request, place);
  const { page, files } = parts.assets;
  const asset = place.kind === "page" ? page : files.get(place.name);
  if (asset !== undefined) return serve(asset, request);
  throw new DashboardError(
    "PAWL_DASHBOARD_NOT_FOUND",
    place.kind === "page"
      ? "expected the built front end in this package, got none; run `npm run build`"
      : "expected a file of the dashboard, got another name",
  );
}

/** The error for a method that a name does not take. */
export function wrongMethod(expected: string): DashboardError {
  return new DashboardError("PAWL_DASHBOARD_METHOD", `expected ${expected}, got another method`);
}

// Relative, as nobody here knows under which path the dashboard is mounted, or behind which proxy.
function withSlash({ url }: Request, { name }: Place): Response {
  const location = `./${name}/${new URL(url).search}`;
  return new Response(null, { status: 307, headers: { location } });
}

function refuse(status: number, error: ApiFailure["error"], { kind }: Place): Response {
  const allow = kind === "api" ? "GET, POST" : "GET, HEAD";
  const headers = status === 405 ? { allow } : undefined;
  if (kind === "api") {
    const failure: ApiFailure = { error };
    return Response.json(failure, { status, ...(headers && { headers }) });
  }
  const plain = { "content-type": "text/plain; charset=utf-8" };
  return new Response(`${error.code}: ${error.message}\n`, {
    status,
    headers: { ...headers, ...plain },
  });
}
