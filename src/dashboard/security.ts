import { DashboardError } from "../core/errors.ts";

/** The header that a change carries, which no page of another origin can send without being asked for. */
export const changeHeader = "x-pawl-dashboard";

const maxBodyBytes = 1_048_576;

// https://developer.mozilla.org/docs/Web/HTTP/CSP; nothing inline, nothing from elsewhere.
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const headers: Readonly<Record<string, string>> = {
  "content-security-policy": contentSecurityPolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

/** Gives an answer the headers that keep it safe, and out of every cache unless it says otherwise. */
export function secured(response: Response): Response {
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
  return response;
}

/** Refuses a host that is not expected: the name of another, that resolves to this machine. */
export function checkHost(request: Request, hosts: readonly string[] | undefined): void {
  if (hosts === undefined) return;
  const host = (request.headers.get("host") ?? new URL(request.url).host).toLowerCase();
  if (hosts.includes(host)) return;
  const expected = hosts.join(" or ");
  throw new DashboardError(
    "PAWL_DASHBOARD_HOST",
    `expected the host ${expected}, got ${JSON.stringify(host)}; open the dashboard under a name that it knows`,
  );
}

/** Refuses a change that a page of another origin may have sent. */
export function checkOrigin(request: Request, origins: readonly string[]): void {
  const origin = request.headers.get("origin");
  const site = request.headers.get("sec-fetch-site");
  const isOwn = origin === null || origins.includes(origin) || origin === ownOrigin(request);
  if (isOwn && (site === null || site === "same-origin" || origins.includes(origin ?? ""))) return;
  const got = JSON.stringify(isOwn ? site : origin);
  throw new DashboardError(
    "PAWL_DASHBOARD_ORIGIN",
    `expected a change from the dashboard's own page, got one from ${got}; ` +
      "behind a proxy that changes the host, name the address with the option `origins`",
  );
}

/** The body of a change: JSON, of at most 1 MiB, sent as a page of this origin does. */
export async function readBody(request: Request): Promise<unknown> {
  if (request.headers.get(changeHeader) === null) {
    throw new DashboardError(
      "PAWL_DASHBOARD_FORBIDDEN",
      `expected the header ${changeHeader} with a change, got none`,
    );
  }
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(?:;|$)/i.test(type)) {
    throw badRequest(`expected a body of the type application/json, got ${JSON.stringify(type)}`);
  }
  const text = await boundedText(request);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badRequest("expected a body of JSON, got something else", cause);
  }
}

/** The error for a request that is not what it should be. */
export function badRequest(message: string, cause?: unknown): DashboardError {
  return new DashboardError("PAWL_DASHBOARD_REQUEST", message, { cause });
}

// A proxy before it may speak TLS for it, so the scheme is not compared.
function ownOrigin(request: Request): string | null {
  const origin = request.headers.get("origin");
  const host = request.headers.get("host") ?? new URL(request.url).host;
  if (origin === null || !URL.canParse(origin)) return null;
  return new URL(origin).host === host.toLowerCase() ? origin : null;
}

async function boundedText(request: Request): Promise<string> {
  const { body } = request;
  if (body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = (body as ReadableStream<Uint8Array>).getReader(); // of a request: bytes
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.byteLength;
    if (bytes > maxBodyBytes) {
      await reader.cancel();
      throw badRequest(`expected a body of at most ${maxBodyBytes} bytes, got a longer one`);
    }
    chunks.push(value);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
