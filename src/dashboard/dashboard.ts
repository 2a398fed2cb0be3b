import { explainJob } from "../client/explain.ts";
import { checkJob } from "../client/job-list.ts";
import { RateLimits } from "../client/rate-limits.ts";
import { checkKeys, invalidOption, optional, text } from "../core/options.ts";
import type { Pawl } from "../pawl.ts";
import { storeOn } from "../store/store.ts";
import { makeApi } from "./answer-api.ts";
import { readAssets } from "./assets.ts";
import { checkAuthorize, type Authorize } from "./authorize.ts";
import { BoundedDatabase } from "./bounded-database.ts";
import { makeChanger } from "./changes.ts";
import type { ChangeContext, ChangingPawl, ReadContext } from "./context.ts";
import { guardReads } from "./guarded-reads.ts";
import { makeHandler } from "./handler.ts";
import { Live } from "./live.ts";
import { Operations } from "./operations.ts";
import { makeReadAudit, makeReadsOfChanges } from "./reads-of-changes.ts";
import { makeReads } from "./reads/reads.ts";
import { makeSecrets } from "./redact.ts";
import { checkPlaces } from "./security.ts";
import { shareOverview } from "./shared-overview.ts";
import type { FetchHandler } from "./to-node-handler.ts";

export type { Role } from "./api.ts";
export type { Authorize } from "./authorize.ts";
export type { Identity } from "./context.ts";
export {
  toNodeHandler,
  type FetchHandler,
  type NodeHandler,
  type NodeRequest,
} from "./to-node-handler.ts";

/** A `Pawl`, whatever its tasks and its serializer are. */
export type AnyPawl = ChangingPawl &
  Pick<Pawl, "internals" | "maintenance" | "ownTasks" | "schema">;

/** Who may see a dashboard, and what it hides. */
export interface DashboardOptions {
  /**
   * Says who sends a request: `{ name, role }`, or null for nobody that may look. A viewer looks; an operator also changes what
   * waits or runs; an admin also enqueues, and sees what is redacted. `"none"` lets everybody do everything.
   */
  readonly authorize: Authorize | "none";
  /** Paths of payloads that only admins see, such as `user.email`; passwords, tokens and the like are hidden anyway. */
  readonly redact?: readonly string[];
  /** Origins besides its own that changes may come from, for a proxy that changes the host: `https://ops.example.com`. */
  readonly origins?: readonly string[];
  /** The names, with their ports, that it may be called by. Default: any. */
  readonly hosts?: readonly string[];
  /** What the page calls this place: `production`. */
  readonly environment?: string;
}

const statementTimeoutMs = 5_000;
const longestEnvironment = 60;

/**
 * A dashboard as a handler of requests, for any server and below any path; who comes in is for `authorize` to say. It begins
 * to work on operations that others have left, and goes on as long as the `Pawl` is open. Throws `OptionError`.
 *
 * ```ts
 * const handler = dashboard(pawl, {
 *   authorize: async (request) => {
 *     const user = await userOf(request);
 *     return user?.isStaff ? { name: user.email, role: "operator" } : null;
 *   },
 * });
 * app.all("/admin/jobs/*", (c) => handler(c.req.raw)); // Hono; for Node's servers there is toNodeHandler
 * ```
 */
export function dashboard(pawl: AnyPawl, options: DashboardOptions): FetchHandler {
  const { authorize, paths, places, environment } = checkOptions(options);
  const context = contextOf(pawl, paths);
  const { report } = context;
  const operations = new Operations(context);
  const tableReads = makeReads(readContextOf(pawl, context), makeReadAudit(context));
  const { version } = pawl.internals;
  const readOverview = shareOverview(
    () => tableReads.overview({}, { name: "everybody", role: "viewer" }),
    Date.now,
  );
  const api = makeApi({
    places,
    reads: {
      ...tableReads,
      ...guardReads(context, tableReads),
      ...makeReadsOfChanges(context, operations),
      overview: readOverview,
      session: (_, { name, role }) =>
        Promise.resolve({ name, role, schema: pawl.schema, version, environment }),
    },
    changer: makeChanger(context, operations),
    live: new Live(readOverview),
  });
  operations.look();
  return makeHandler({ authorize, places, api, report, assets: readAssets() });
}

function contextOf(pawl: AnyPawl, paths: readonly string[]): ChangeContext {
  const { store, serializer, report } = pawl.internals;
  const bounded = storeOn(store, new BoundedDatabase(store.db, statementTimeoutMs));
  return { pawl, store: bounded, serializer, report, secrets: makeSecrets(paths) };
}

function readContextOf(
  { maintenance, ownTasks }: AnyPawl,
  { store, secrets }: ChangeContext,
): ReadContext {
  return {
    pawl: {
      jobs: { explain: (job) => explainJob(store, checkJob("job", job)) },
      rateLimits: new RateLimits(store),
      ...{ maintenance, ownTasks },
    },
    ...{ store, redactor: secrets, now: Date.now },
  };
}

function checkOptions(options: DashboardOptions) {
  checkKeys("dashboard", options, ["authorize", "redact", "origins", "hosts", "environment"]);
  const { authorize, redact = [], origins, hosts, environment } = options;
  return {
    authorize: checkAuthorize(authorize),
    paths: checkPaths(redact),
    places: checkPlaces(hosts, origins),
    environment: optional(environment, checkEnvironment) ?? null,
  };
}

function checkPaths(given: unknown): readonly string[] {
  if (!Array.isArray(given)) {
    throw invalidOption("redact", "a list of paths such as user.email", given);
  }
  return given.map((path: unknown, place) => {
    const option = `redact[${place}]`;
    const checked = text(option, path);
    if (checked.split(".").every((key) => key !== "")) return checked;
    throw invalidOption(option, "keys with dots between them, such as user.email", path);
  });
}

function checkEnvironment(given: unknown): string {
  const environment = text("environment", given);
  if (environment.length <= longestEnvironment) return environment;
  throw invalidOption("environment", `at most ${longestEnvironment} characters`, given);
}
