import { DashboardError } from "../core/errors.ts";
import { parseSearch } from "../store/dashboard-words.ts";
import { isAtLeast } from "./authorize.ts";
import type { Identity, Secrets } from "./context.ts";
import { redacted } from "./mask-text.ts";

/**
 * Refuses a search for what is redacted: whoever may ask whether it is this or that learns what it is. Admins see it anyway.
 * Throws `OptionError` for what is no search, and `DashboardError`.
 */
export function assertSearchable(search: string | undefined, who: Identity, secrets: Secrets): void {
  if (isAtLeast(who, "admin") || !hasSecret(search, secrets)) return;
  throw new DashboardError(
    "PAWL_DASHBOARD_FORBIDDEN",
    `expected a search for what is not redacted, or the role admin, got the role ${who.role}`,
  );
}

/** A search as everybody may see it. */
export function shownSearch(search: string, secrets: Secrets): string {
  return hasSecret(search, secrets) ? redacted : search;
}

function hasSecret(search: string | undefined, secrets: Secrets): boolean {
  if (search === undefined || search === "") return false;
  return parseSearch(search).terms.some(({ path }) => secrets.isSecretPath(path));
}
