import { signal } from "@preact/signals";
import type { Count, OperationPlan, OperationRow } from "../../src/dashboard/api.ts";
import { read } from "./api.ts";
import { changes } from "./data.ts";
import { formatCount } from "./format.ts";
import { isPaused } from "./live.ts";
import { capitalised } from "./states.ts";
import { perform } from "./toasts.ts";

/** An operation that was started from this page. */
export interface Followed extends OperationRow {
  /** How many matched when it began; undefined when they were not counted to the end. */
  readonly expected: number | undefined;
}

/** The operations that were started from this page and are not put away yet, newest first. */
export const tray = signal<readonly Followed[]>([]);

const lookMs = 1_000;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Starts an operation and follows it in the tray; `count` is how many matched before. */
export async function startOperation(plan: OperationPlan, count?: Count): Promise<void> {
  const started = await perform("start-operation", plan, () => "The operation has begun.");
  if (started === undefined) return;
  const expected = count?.isAtLeast === false ? count.count : undefined;
  tray.value = [{ ...started, expected }, ...tray.value];
  follow();
}

/** Puts an operation away; it goes on all the same. */
export function putAway(id: string): void {
  tray.value = tray.value.filter((operation) => operation.id !== id);
}

/** What an operation does, in words: `Retry jobs: queue email, payload.user.id:42`. */
export function describePlan(plan: OperationPlan): string {
  const chosen = Object.entries(plan.filter).filter(([, value]) => Boolean(value));
  const what = plan.from === "jobs" ? "jobs" : "of the history";
  const where = chosen.map(([name, value]) => (name === "search" ? value : `${name} ${value}`));
  const verb = capitalised(plan.action);
  return `${verb} ${what}: ${where.length === 0 ? "all" : where.join(", ")}`;
}

/** How far an operation has come: `1,200 looked at, 300 changed`. */
export function describeProgress({ examined, changed, refused }: OperationRow): string {
  const moved = refused > 0 ? `, ${formatCount(refused)} had moved on` : "";
  return `${formatCount(examined)} looked at, ${formatCount(changed)} changed${moved}`;
}

function follow(): void {
  clearTimeout(timer);
  timer = setTimeout(() => void look(), lookMs);
}

async function look(): Promise<void> {
  if (isPaused.value || document.visibilityState === "hidden") {
    follow();
    return;
  }
  try {
    const { operations } = await read("operations", {});
    const byId = new Map(operations.map((operation) => [operation.id, operation]));
    const before = tray.value;
    tray.value = before.map((operation) => ({ ...operation, ...byId.get(operation.id) }));
    const hasEnded = ({ id, state }: OperationRow): boolean =>
      state === "running" && (byId.get(id) ?? { state }).state !== "running";
    if (before.some(hasEnded)) {
      changes.value += 1;
    }
  } catch {
    // The banner of whatever else is read says it; this is asked again anyway.
  }
  if (tray.value.some(({ state }) => state === "running")) follow();
}
