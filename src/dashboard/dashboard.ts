import { checkKeys, invalidOption, oneOf, text } from "../core/options.ts";
import { Assets } from "./assets.ts";
import type { Authorize } from "./authorize.ts";
import { makeChanges } from "./changes.ts";
import type { AnyPawl, DashboardContext } from "./context.ts";
import { makeHandler, type FetchHandler } from "./handler.ts";
import { Operations } from "./operations.ts";
import { makeReadsOfChanges } from "./reads-of-changes.ts";
import { makeReads } from "./reads/reads.ts";
import { makeRedactor } from "./redact.ts";

export type { Role } from "./api.ts";
export type { Authorize } from "./authorize.ts";
export type { AnyPawl, Identity } from "./context.ts";
export type { FetchHandler } from "./handler.ts";
export { toNodeHandler, type NodeHandler } from "./to-node-handler.ts";

/** What `dashboard` takes. */
export interface DashboardOptions {
  /**
   * Says who sends a request: `{ name, role }`, or null to refuse it. `"none"`, spelled out, lets everybody do everything.
   * The roles: a viewer looks; an operator also pauses, retries, cancels, reschedules and replays; an admin also enqueues and sees what
   * is redacted.
   */
  readonly authorize: Authorize;
  /** More paths of payloads that only admins see: `user.email`, `items.*.iban`. Passwords, tokens and the like are always redacted. */
  readonly redact?: readonly string[];
  /** Addresses from which changes may come, for a proxy that changes the host: `https://ops.example.com`. Default: its own. */
  readonly origins?: readonly string[];
  /** The names, with port, under which it may be reached. Default: any. */
  readonly hosts?: readonly string[];
  /** What this place is called on the page: `"production"`. */
  readonly environment?: string;
}

const path = /^[^.]+(?:\.[^.]+)*$/;

/**
 * A dashboard as a handler of requests, to be mounted under any path of any server. Closed unless `authorize` says who may
 * come in. Throws `OptionError`.
 *
 * ```ts
 * const handler = dashboard(pawl, {
 *   authorize: (request) => (isStaff(request) ? { name: userOf(request), role: "operator" } : null),
 * });
 * app.all("/admin/jobs/*", (c) => handler(c.req.raw));
 * ```
 */
export function dashboard(pawl: AnyPawl, options: DashboardOptions): FetchHandler {
  const { authorize, redact, origins, hosts, environment } = checkOptions(options);
  const context: DashboardContext = {
    ...pawl.inside,
    pawl,
    redactor: makeRedactor(redact),
    environment: environment ?? null,
  };
  const operations = new Operations(context);
  return makeHandler({
    ...{ authorize, origins, hosts },
    assets: new Assets(),
    reads: { ...makeReads(context), ...makeReadsOfChanges(context, operations) },
    changes: makeChanges(context, operations),
  });
}

function checkOptions(options: DashboardOptions) {
  checkKeys("dashboard", options, ["authorize", "redact", "origins", "hosts", "environment"]);
  const { authorize, redact = [], origins = [], hosts, environment } = options;
  if (typeof authorize !== "function") oneOf("authorize", authorize, ["none"]);
  return {
    authorize,
    redact: texts("redact", redact).map((each) => {
      if (path.test(each)) return each;
      throw invalidOption("redact", "paths such as user.email", each);
    }),
    origins: texts("origins", origins).map((origin) => {
      if (URL.canParse(origin) && new URL(origin).origin === origin) return origin;
      throw invalidOption("origins", "addresses such as https://ops.example.com", origin);
    }),
    hosts: hosts === undefined ? undefined : texts("hosts", hosts).map((host) => host.toLowerCase()),
    environment: environment === undefined ? undefined : text("environment", environment),
  };
}

function texts(option: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw invalidOption(option, "a list of texts", value);
  return value.map((each, place) => text(`${option}[${place}]`, each));
}
