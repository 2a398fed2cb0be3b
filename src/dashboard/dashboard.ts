import { checkKeys, invalidOption, optional, shortText } from "../core/options.ts";
import { createApi } from "./answer-api.ts";
import { readAssets } from "./assets.ts";
import { checkAuthorize, type Authorize } from "./authorize.ts";
import { makeChanges } from "./changes.ts";
import type { ReadContext, ShownPawl } from "./context.ts";
import { createHandler, type DashboardHandler } from "./handler.ts";
import { Live } from "./live.ts";
import { makeNotes } from "./notes.ts";
import { Operations } from "./operations.ts";
import { makeReadsOfChanges } from "./reads-of-changes.ts";
import { makeReads } from "./reads/reads.ts";
import { checkRedact, createRedactor } from "./redact.ts";
import { shareOverview } from "./shared-overview.ts";

export type { Role } from "./api.ts";
export type { Authorize } from "./authorize.ts";
export type { Identity, ShownPawl } from "./context.ts";
export type { DashboardHandler } from "./handler.ts";
export { toNodeHandler, type NodeHandler } from "./node-handler.ts";

/** What `dashboard` takes. */
export interface DashboardOptions {
  /**
   * Says who sends a request and what they may do; null for nobody that may look. `"none"` lets everybody do everything, where
   * something else keeps strangers out.
   */
  readonly authorize: Authorize | "none";
  /**
   * The names with ports that it may be called by: `jobs.example.com`, `localhost:3000`. Default: any; with `authorize: "none"`
   * localhost, and addresses that are written out.
   */
  readonly hosts?: readonly string[];
  /** Origins that its page is shown under, where a proxy changes the host: `https://example.com`. Default: its own. */
  readonly origins?: readonly string[];
  /** Paths of payloads and outputs that are secrets too, such as `user.email`. Default: none besides the well-known names. */
  readonly redact?: readonly string[];
  /** What the page calls this place, such as `"production"`. Default: nothing. */
  readonly environment?: string;
}

const knownOptions = ["authorize", "hosts", "origins", "redact", "environment"];
// Beside this file once it is compiled.
const frontEnd = new URL("./", import.meta.url);

/**
 * A dashboard of this Pawl: a function from a request to a response, for any server, below any path. It says nothing to anybody
 * whom `authorize` does not know. Throws `OptionError`.
 *
 * ```ts
 * const handler = dashboard(pawl, {
 *   authorize: async (request) => {
 *     const user = await userOf(request);
 *     return user?.isStaff ? { name: user.email, role: "operator" } : null;
 *   },
 * });
 * app.all("/jobs/*", (c) => handler(c.req.raw));
 * ```
 */
export function dashboard(pawl: ShownPawl, options: DashboardOptions): DashboardHandler {
  checkKeys("dashboard", options, knownOptions);
  const authorize = checkAuthorize(options.authorize);
  const places = {
    hosts:
      optional(options.hosts, checkHosts) ??
      (options.authorize === "none" ? ("addresses" as const) : undefined),
    origins: optional(options.origins, checkOrigins) ?? new Set<string>(),
  };
  const context = makeContext(pawl, options);
  const own = makeReads(context);
  const operations = new Operations(context);
  const overview = shareOverview(() => own.overview({}, nobody), context.now);
  const api = createApi({
    places,
    reads: { ...own, ...makeReadsOfChanges(context, operations), overview },
    changes: makeChanges(context, operations),
    live: new Live(overview),
    notes: makeNotes(context),
  });
  const { report } = pawl.internals;
  const handler = createHandler({ authorize, places, assets: readAssets(frontEnd), api, report });
  // Another process may have left some behind.
  operations.wake();
  return handler;
}

// The overview is the same for everybody.
const nobody = { name: "nobody", role: "viewer" } as const;

function makeContext(pawl: ShownPawl, { redact, environment }: DashboardOptions): ReadContext {
  const { store, tasks, version } = pawl.internals;
  return {
    pawl,
    store,
    knownTasks: tasks,
    redactor: createRedactor(optional(redact, checkRedact)),
    now: Date.now,
    version,
    environment: optional(environment, (given) => shortText("environment", given)) ?? null,
  };
}

function checkHosts(given: unknown): ReadonlySet<string> {
  if (!Array.isArray(given) || given.length === 0) {
    throw invalidOption("hosts", 'a list of names such as "jobs.example.com"', given);
  }
  return new Set(given.map((host, index) => checkHost(`hosts[${index}]`, host)));
}

function checkHost(option: string, given: unknown): string {
  const host = typeof given === "string" ? given.toLowerCase() : "";
  if (URL.canParse(`http://${host}`) && new URL(`http://${host}`).host === host) return host;
  throw invalidOption(option, "a host name, with its port where that is not 80 or 443", given);
}

function checkOrigins(given: unknown): ReadonlySet<string> {
  const expected = 'a list of origins such as "https://example.com"';
  if (!Array.isArray(given)) throw invalidOption("origins", expected, given);
  return new Set(given.map((origin, index) => checkOrigin(`origins[${index}]`, origin)));
}

function checkOrigin(option: string, given: unknown): string {
  const isOrigin =
    typeof given === "string" && URL.canParse(given) && new URL(given).origin === given;
  if (isOrigin) return given;
  throw invalidOption(option, 'an origin such as "https://example.com"', given);
}
