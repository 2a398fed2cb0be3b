import { computed, signal } from "@preact/signals";
import { clockSkewMs } from "./live.ts";

const here = signal(Date.now());

/** The server's time, each second: what says "3 s ago" follows it. */
export const now = computed(() => here.value - clockSkewMs.value);

/** Lets the clock run. */
export function startClock(): void {
  setInterval(() => {
    if (document.visibilityState !== "hidden") here.value = Date.now();
  }, 1_000);
}
