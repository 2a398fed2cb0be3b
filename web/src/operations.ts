import { signal } from "@preact/signals";
import type { OperationPlan, OperationRow } from "../../src/dashboard/api.ts";
import { change, Failure, read } from "./api.ts";

/** An operation in the tray. */
export interface Watched {
  readonly row: OperationRow;
  /** How many it was said to change, when it was begun from this page. */
  readonly expected: number | undefined;
}

/** What runs, and what was begun here and has ended since. */
export const watched = signal<readonly Watched[]>([]);

const dismissed = new Set<string>();

/** Begins to change all that match. */
export async function startOperation(plan: OperationPlan, expected: number | undefined): Promise<void> {
  const row = await change("start-operation", plan);
  watched.value = [{ row, expected }, ...watched.value.filter((each) => each.row.id !== row.id)];
}

/** Stops one where it is. */
export async function stopOperation(id: string): Promise<void> {
  await change("stop-operation", { id });
  await lookAtOperations();
}

/** Takes one out of the tray. */
export function dismissOperation(id: string): void {
  dismissed.add(id);
  watched.value = watched.value.filter(({ row }) => row.id !== id);
}

/** Learns how far they have come. */
export async function lookAtOperations(): Promise<void> {
  try {
    const { operations } = await read("operations", {});
    const before = new Map(watched.value.map((each) => [each.row.id, each]));
    watched.value = operations
      .filter(({ id, state }) => !dismissed.has(id) && (state === "running" || before.has(id)))
      .map((row) => ({ row, expected: before.get(row.id)?.expected }));
  } catch (error) {
    // What cannot be read stands in the banner.
    if (!(error instanceof Failure)) throw error;
  }
}

/** What an operation does, in a few words. */
export function describePlan({ action, from, filter }: OperationPlan): string {
  const words = Object.entries<unknown>({ ...filter })
    .filter(([, value]) => typeof value === "string" && value !== "")
    .map(([name, value]) => (name === "search" ? String(value) : `${name}:${String(value)}`));
  const what = from === "jobs" ? "jobs" : "attempts";
  const verb = { retry: "Retry", cancel: "Cancel", reschedule: "Reschedule", replay: "Replay" }[action];
  return words.length === 0 ? `${verb} all ${what}` : `${verb} ${what} with ${words.join(" ")}`;
}
