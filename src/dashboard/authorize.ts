import { DashboardError } from "../core/errors.ts";
import { invalidOption } from "../core/options.ts";
import type { Changes, Reads, Role } from "./api.ts";
import type { Identity } from "./context.ts";

/**
 * Says who sends a request; null refuses it. `"none"`, spelled out, lets everybody do everything: for a dashboard that only
 * trusted people can reach.
 */
export type Authorize =
  "none" | ((request: Request) => Identity | null | Promise<Identity | null>);

const ranks: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

/** The least role that may call each name. */
export const requiredRoles: Readonly<Record<keyof Reads | keyof Changes | "live", Role>> = {
  live: "viewer",
  session: "viewer",
  overview: "viewer",
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
  "unlock-key": "operator",
  "count-matching": "operator",
  "start-operation": "operator",
  "stop-operation": "operator",
  enqueue: "admin",
};

/** Finds out who sends a request. Throws `DashboardError` when nobody does who may. */
export async function identify(request: Request, authorize: Authorize): Promise<Identity> {
  if (authorize === "none") return { name: "anyone", role: "admin" };
  const identity = await authorize(request);
  if (identity === null) {
    throw new DashboardError(
      "PAWL_DASHBOARD_UNAUTHORIZED",
      "expected somebody who may see the dashboard, got nobody; sign in first",
    );
  }
  return checkIdentity(identity);
}

/** Whether a role may do what takes another at least. */
export function mayDo(role: Role, required: Role): boolean {
  return ranks[role] >= ranks[required];
}

/** Refuses who has not the role for it. Throws `DashboardError`. */
export function checkRole({ role }: Identity, required: Role, what: string): void {
  if (mayDo(role, required)) return;
  throw new DashboardError(
    "PAWL_DASHBOARD_FORBIDDEN",
    `expected the role ${required} for ${what}, got ${role}`,
  );
}

// What the application answers is not to be trusted to have the right form.
function checkIdentity(identity: Partial<Identity>): Identity {
  const { name, role } = identity;
  if (typeof name !== "string" || name === "") {
    throw invalidOption("authorize", "a function whose answer has a `name`", name);
  }
  if (role === undefined || !Object.hasOwn(ranks, role)) {
    throw invalidOption("authorize", "a function whose answer has a `role`", role);
  }
  return { name, role };
}
