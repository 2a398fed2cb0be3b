import { signal } from "@preact/signals";
import { Failure } from "./api.ts";

/** A short message in the corner. */
export interface Toast {
  readonly id: number;
  readonly kind: "done" | "failed";
  readonly text: string;
}

const shownMs = { done: 5_000, failed: 15_000 };
const mostShown = 4;
let last = 0;

export const toasts = signal<readonly Toast[]>([]);

/** Says that something was done. */
export function sayDone(text: string): void {
  say("done", text);
}

/** Says why something was not done. */
export function sayFailed(error: unknown): void {
  say("failed", messageOf(error));
}

/** Takes a toast away. */
export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** What to tell somebody about an error. */
export function messageOf(error: unknown): string {
  if (error instanceof Failure) return error.message;
  return error instanceof Error ? error.message : String(error);
}

function say(kind: Toast["kind"], text: string): void {
  last += 1;
  const id = last;
  toasts.value = [...toasts.value, { id, kind, text }].slice(-mostShown);
  setTimeout(() => dismiss(id), shownMs[kind]);
}
