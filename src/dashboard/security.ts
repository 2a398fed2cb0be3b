import { DashboardError } from "../core/errors.ts";

/** Where a dashboard may be asked from. */
export interface Places {
  /**
   * The names it may be called by, with their ports, in lower case; undefined for any; "addresses" for what nobody can register
   * as a name: localhost, and addresses written out.
   */
  readonly hosts: ReadonlySet<string> | "addresses" | undefined;
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
  if (hosts === "addresses" ? isNoName(host) : hosts.has(host)) return;
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
    (site === null || site === "same-origin") &&
    (origin === null || isSameOrigin(request, origin) || places.origins.has(origin));
  if (isOwn) return;
  throw new DashboardError(
    "PAWL_DASHBOARD_ORIGIN",
    `expected a change from the dashboard's own page, with the header ${ownHeader}: 1, got one from elsewhere; ` +
      "behind a proxy that changes the host, add the page's origin to `origins`",
  );
}

function isNoName(host: string): boolean {
  const name = host.replace(/:\d*$/, "");
  return /^(?:(?:.+\.)?localhost|\d+\.\d+\.\d+\.\d+|\[[\da-f:.]+\])$/.test(name);
}

function isSameOrigin(request: Request, origin: string): boolean {
  const asked = new URL(request.url);
  if (origin === asked.origin) return true;
  if (!URL.canParse(origin)) return false;
  // Behind a proxy that speaks TLS for us: the host is the same, and the page came the safer way.
  const page = new URL(origin);
  return page.protocol === "https:" && asked.protocol === "http:" && page.host === hostOf(request);
}

// Handlers of Node's servers make the address from this header as well.
function hostOf(request: Request): string {
  return (request.headers.get("host") ?? new URL(request.url).host).toLowerCase();
}
