import { DashboardError } from "../core/errors.ts";

/** Where a dashboard may be asked from. */
export interface Places {
  /** The names it may be called by, with their ports, in lower case; undefined for any. */
  readonly hosts: ReadonlySet<string> | undefined;
  /** Origins besides its own that changes may come from. */
  readonly origins: ReadonlySet<string>;
}

/** What every answer carries: nothing but its own files is loaded, it is framed by nobody, and it is kept nowhere. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

/** The header that no form and no foreign page can send without being asked first. */
const ownHeader = "x-pawl-dashboard";

/** A page that makes a browser believe that its name is ours reads nothing. Throws `DashboardError`. */
export function assertHost(request: Request, { hosts }: Places): void {
  if (hosts === undefined) return;
  const host = hostOf(request);
  if (hosts.has(host)) return;
  throw new DashboardError(
    "PAWL_DASHBOARD_HOST",
    "expected a host name that this dashboard is served under, got another; use the link that it printed, " +
      "or add the name to `hosts`",
  );
}

/** Refuses a change that did not come from the dashboard's own page. Throws `DashboardError`. */
export function assertOwnPage(request: Request, places: Places): void {
  const { headers } = request;
  const isJson = /^application\/json\s*(;|$)/i.test(headers.get("content-type") ?? "");
  if (!isJson) {
    throw new DashboardError(
      "PAWL_DASHBOARD_MEDIA_TYPE",
      "expected a body of the type application/json, got another",
    );
  }
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  const isOwn =
    headers.get(ownHeader) === "1" &&
    (site === null || site === "same-origin" || isListed(origin, places)) &&
    (origin === null || isSameOrigin(request, origin) || isListed(origin, places));
  if (isOwn) return;
  throw new DashboardError(
    "PAWL_DASHBOARD_ORIGIN",
    `expected a change from the dashboard's own page, with the header ${ownHeader}: 1, got one from elsewhere; ` +
      "behind a proxy that changes the host, add the page's origin to `origins`",
  );
}

function isListed(origin: string | null, { origins }: Places): boolean {
  return origin !== null && origins.has(origin);
}

function isSameOrigin(request: Request, origin: string): boolean {
  if (origin === new URL(request.url).origin) return true;
  // Behind a proxy that speaks TLS, only the host tells that it is the same.
  const host = request.headers.get("host");
  return host !== null && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

// Handlers of Node's servers make the address from this header as well.
function hostOf(request: Request): string {
  return (request.headers.get("host") ?? new URL(request.url).host).toLowerCase();
}
