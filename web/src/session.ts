import { signal } from "@preact/signals";
import type { Role, Session } from "../../src/dashboard/api.ts";

const ranks: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

/** Who is looking; undefined until the server has said so. */
export const session = signal<Session | undefined>(undefined);

/** Why somebody may not do something; undefined when they may. */
export function reasonAgainst(needed: Role): string | undefined {
  const role = session.value?.role ?? "viewer";
  if (ranks[role] >= ranks[needed]) return undefined;
  const article = needed === "viewer" ? "a" : "an";
  return `Only ${article} ${needed} may do this; you are ${role === "viewer" ? "a viewer" : "an operator"}.`;
}

/** Whether somebody may do what this role may. */
export function may(needed: Role): boolean {
  return reasonAgainst(needed) === undefined;
}
