import { computed, signal } from "@preact/signals";
import type { Changes, Role, Session } from "../../src/dashboard/api.ts";
import { ApiError, read } from "./api.ts";

/** Who is looking, and at what; undefined until it is known. */
export const session = signal<Session | undefined>(undefined);

/** Why nothing can be shown: nobody is logged in. */
export const refusal = signal<ApiError | undefined>(undefined);

const role = computed<Role>(() => session.value?.role ?? "viewer");
const adminsOnly: readonly string[] = ["enqueue", "raw"];
const againMs = 5_000;

/** What can be asked for that a role may lack. */
export type Power = keyof Changes | "raw";

/** Why whoever looks may not do it; undefined when they may. */
export function reasonAgainst(power: Power): string | undefined {
  const isForAdmins = adminsOnly.includes(power);
  if (role.value === "admin" || (role.value === "operator" && !isForAdmins)) return undefined;
  return `Needs the role ${isForAdmins ? "admin" : "operator"}; you are ${role.value}.`;
}

/** Asks who is looking, until there is an answer. */
export async function loadSession(): Promise<void> {
  try {
    session.value = await read("session", {});
    refusal.value = undefined;
    const { environment, schema } = session.value;
    document.title = `${environment ?? schema} · Pawl`;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (!error.isPassing) refusal.value = error;
    setTimeout(() => void loadSession(), againMs);
  }
}
