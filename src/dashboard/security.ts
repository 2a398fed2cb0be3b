import { DashboardError } from "../core/errors.ts";
import { invalidOption, text } from "../core/options.ts";

/** Where a dashboard may be asked from. */
export interface Places {
  /** The names that it may be called by, with their ports, in lower case; undefined: any. */
  readonly hosts: ReadonlySet<string> | undefined;
  /** Origins besides its own that changes may come from. */
  readonly origins: ReadonlySet<string>;
}

/** What every answer carries: nothing but its own files is loaded, nobody frames it, and nothing keeps it. */
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

/** The header that no form, and no foreign page without asking, can send. */
const ownHeader = "x-pawl-dashboard";

/** Gives an answer the headers that keep it safe. */
export function secured(response: Response): Response {
  for (const [name, value] of Object.entries(securityHeaders)) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}

/** Checks the options `hosts` and `origins`. Throws `OptionError`. */
export function checkPlaces(hosts: unknown, origins: unknown = []): Places {
  return {
    hosts: hosts === undefined ? undefined : new Set(list("hosts", hosts).map(checkHost)),
    origins: new Set(list("origins", origins).map(checkOrigin)),
  };
}

/** A page that makes a browser take its own name for ours reads nothing. Throws `DashboardError`. */
export function assertHost(request: Request, { hosts }: Places): void {
  if (hosts === undefined || hosts.has(hostOf(request))) return;
  throw new DashboardError(
    "PAWL_DASHBOARD_HOST",
    "expected a host name that this dashboard is served under, got another; add it to `hosts` if it is one",
  );
}

/** Refuses a change that did not come from the dashboard's own page. Throws `DashboardError`. */
export function assertOwnPage(request: Request, { origins }: Places): void {
  const { headers } = request;
  if (!/^application\/json\s*(?:;|$)/i.test(headers.get("content-type") ?? "")) {
    throw new DashboardError(
      "PAWL_DASHBOARD_CONTENT_TYPE",
      "expected a body of the type application/json, got another",
    );
  }
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  const isOwn =
    headers.get(ownHeader) === "1" &&
    (site === null || site === "same-origin") &&
    (origin === null || isOwnOrigin(request, origin) || origins.has(origin));
  if (isOwn) return;
  throw new DashboardError(
    "PAWL_DASHBOARD_ORIGIN",
    `expected a change from the dashboard's own page, with the header ${ownHeader}: 1, got one from elsewhere; ` +
      "behind a proxy that changes the host, add the page's origin to `origins`",
  );
}

function isOwnOrigin(request: Request, origin: string): boolean {
  const asked = new URL(request.url);
  if (origin === asked.origin) return true;
  if (!URL.canParse(origin)) return false;
  // Behind a proxy that speaks TLS for us: the host is the same, and the page came the safer way.
  const page = new URL(origin);
  return page.protocol === "https:" && asked.protocol === "http:" && page.host === hostOf(request);
}

// The servers of Node make the address from this header as well.
function hostOf(request: Request): string {
  return (request.headers.get("host") ?? new URL(request.url).host).toLowerCase();
}

function list(option: string, value: unknown): { option: string; value: string }[] {
  if (!Array.isArray(value)) throw invalidOption(option, "a list of texts", value);
  return value.map((each, place) => {
    const name = `${option}[${place}]`;
    return { option: name, value: text(name, each) };
  });
}

function checkHost({ option, value }: { option: string; value: string }): string {
  const host = value.toLowerCase();
  const isHost = URL.canParse(`https://${host}`) && new URL(`https://${host}/`).pathname === "/";
  if (isHost && !/[/\\@?#\s]/.test(host)) return host;
  throw invalidOption(option, "a host such as ops.example.com or localhost:4466", value);
}

function checkOrigin({ option, value }: { option: string; value: string }): string {
  if (URL.canParse(value) && new URL(value).origin === value) return value;
  throw invalidOption(option, "an origin such as https://ops.example.com", value);
}
