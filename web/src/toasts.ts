import { signal } from "@preact/signals";
import type { Changes } from "../../src/dashboard/api.ts";
import { ApiError, change } from "./api.ts";
import { changes } from "./data.ts";

/** A short message about something that was done, or was not. */
export interface Toast {
  readonly id: number;
  readonly kind: "done" | "failed";
  readonly text: string;
}

/** The messages that are shown. */
export const toasts = signal<readonly Toast[]>([]);

const doneMs = 5_000;
const failedMs = 20_000;
const mostShown = 4;
let lastId = 0;

/** Shows a message for a while. */
function say(kind: Toast["kind"], text: string): void {
  lastId += 1;
  const id = lastId;
  toasts.value = [...toasts.value, { id, kind, text }].slice(-mostShown);
  setTimeout(() => dismiss(id), kind === "done" ? doneMs : failedMs);
}

/** Takes a message away. */
export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Changes something and says how it went; undefined when it failed. Whatever is shown is read anew. */
export async function perform<Name extends keyof Changes>(
  name: Name,
  body: Changes[Name]["body"],
  describe: (answer: Changes[Name]["answer"]) => string,
): Promise<Changes[Name]["answer"] | undefined> {
  try {
    const answer = await change(name, body);
    say("done", describe(answer));
    return answer;
  } catch (error) {
    say("failed", error instanceof ApiError ? error.message : String(error));
    return undefined;
  } finally {
    changes.value += 1;
  }
}
