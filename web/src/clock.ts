import { effect, signal } from "@preact/signals";
import { overview } from "./live.ts";

/** The time at the server, in milliseconds; goes on by itself each second. The clock of the browser may be wrong by hours. */
export const now = signal(Date.now());

let ahead = 0;

/** Keeps the time from now on. */
export function startClock(): void {
  effect(() => {
    if (overview.value === undefined) return;
    ahead = Date.parse(overview.value.now) - Date.now();
    now.value = Date.now() + ahead;
  });
  setInterval(() => {
    now.value = Date.now() + ahead;
  }, 1_000);
}
