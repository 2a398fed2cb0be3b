import { DashboardError } from "../core/errors.ts";
import { describeValue, invalidOption } from "../core/options.ts";
import type { Changes, Reads, Role } from "./api.ts";
import type { Identity } from "./context.ts";

/** Says who sends a request; null for nobody that may look. */
export type Authorize = (request: Request) => Identity | null | Promise<Identity | null>;

/** Everything that the API is asked for. */
export type ApiName = keyof Reads | keyof Changes | "live";

// From the one who may do least.
const roles: readonly Role[] = ["viewer", "operator", "admin"];

/** What somebody must at least be to ask for it: the one place that says so. */
export const neededRoles: Readonly<Record<ApiName, Role>> = {
  session: "viewer",
  overview: "viewer",
  live: "viewer",
  queues: "viewer",
  tasks: "viewer",
  jobs: "viewer",
  job: "viewer",
  history: "viewer",
  workers: "viewer",
  "rate-limits": "viewer",
  "concurrency-keys": "viewer",
  findings: "viewer",
  operations: "viewer",
  audit: "viewer",
  "pause-queue": "operator",
  "resume-queue": "operator",
  "pause-task": "operator",
  "resume-task": "operator",
  "retry-jobs": "operator",
  "cancel-jobs": "operator",
  "reschedule-jobs": "operator",
  "replay-jobs": "operator",
  enqueue: "admin",
  "unlock-key": "operator",
  "count-matching": "operator",
  "start-operation": "operator",
  "stop-operation": "operator",
};

const maxNameLength = 255;

/** Checks the option `authorize`. Throws `OptionError`. */
export function checkAuthorize(given: unknown): Authorize {
  if (given === "none") return () => ({ name: "anyone", role: "admin" });
  if (typeof given === "function") return given as Authorize; // what it answers is checked at each call
  throw invalidOption(
    "authorize",
    'a function that says who sends a request, or "none" to let everybody do everything',
    given,
  );
}

/** Who sends a request. Throws `DashboardError`: when it is nobody, and when `authorize` failed, whose reason is its cause. */
export async function identify(authorize: Authorize, request: Request): Promise<Identity> {
  let answer: unknown;
  try {
    answer = await authorize(request);
  } catch (cause) {
    throw new DashboardError(
      "PAWL_DASHBOARD_FAILED",
      "expected `authorize` to say who this is, but it failed; its error is with the application",
      { cause },
    );
  }
  if (answer === null) {
    throw new DashboardError(
      "PAWL_DASHBOARD_UNAUTHORIZED",
      "expected somebody that may look at this dashboard, got nobody; log in first",
    );
  }
  return checkIdentity(answer);
}

/** Throws `DashboardError` unless somebody is at least `needed`; `what` is what they ask for. */
export function assertRole({ role }: Identity, needed: Role, what: string): void {
  if (roles.indexOf(role) >= roles.indexOf(needed)) return;
  throw new DashboardError(
    "PAWL_DASHBOARD_FORBIDDEN",
    `expected ${needed === "viewer" ? "a viewer" : `an ${needed}`} for ${what}, got a ${role}`,
  );
}

// A role that is misspelt opens nothing.
function checkIdentity(answer: unknown): Identity {
  // Whatever it is, its two properties are checked here.
  const { name, role } = (answer ?? {}) as { readonly name?: unknown; readonly role?: unknown };
  const known = roles.find((each) => each === role);
  const isNamed = typeof name === "string" && name !== "" && name.length <= maxNameLength;
  if (isNamed && known !== undefined) return { name: storable(name), role: known };
  const got = known === undefined ? `the role ${describeValue(role)}` : "no such name";
  throw new DashboardError(
    "PAWL_DASHBOARD_FAILED",
    "expected `authorize` to return null or { name, role } with a name of 1 to 255 characters and " +
      `a role of viewer, operator or admin, got ${got}`,
  );
}

// The audit keeps it in the database.
function storable(name: string): string {
  return name.replace(/[\0\p{Surrogate}]/gu, "\uFFFD");
}
