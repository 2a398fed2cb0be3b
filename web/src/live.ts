import { computed, effect, signal } from "@preact/signals";
import type { ApiFailure, Overview, Tick } from "../../src/dashboard/api.ts";
import { Failure, forget, note, read } from "./api.ts";

const pollMs = 5_000;
const reconnectMs = 20_000;

/** How things are; undefined until something was heard. */
export const overview = signal<Overview | undefined>(undefined);
/** Grows whenever it may be time to read again what a screen shows. */
export const beat = signal(0);
/** Whether somebody has stopped the clock with the button. */
export const isPaused = signal(false);
/** How news come at the moment. */
export const manner = computed(() => (isPaused.value ? "paused" : arrival.value));

const arrival = signal<"live" | "polling">("polling");
const isHidden = signal(document.hidden);

/** Listens to the server from now on, except while the tab is hidden or paused; polls when it cannot listen. */
export function goLive(): void {
  document.addEventListener("visibilitychange", () => {
    isHidden.value = document.hidden;
  });
  effect(() => {
    if (isHidden.value || isPaused.value) return;
    const listener = new Listener();
    return () => listener.stop();
  });
}

/** Reads everything shown again, at once. */
export function refresh(): void {
  beat.value = beat.peek() + 1;
}

class Listener {
  #source: EventSource | undefined;
  #poll: number | undefined;
  #again: number | undefined;

  constructor() {
    this.#listen();
    this.#startPolling();
  }

  stop(): void {
    this.#source?.close();
    this.#stopPolling();
    clearTimeout(this.#again);
  }

  #listen(): void {
    const source = new EventSource("api/live");
    this.#source = source;
    source.addEventListener("tick", (event: MessageEvent<string>) => {
      // The server's side of the contract holds the same type.
      const tick = JSON.parse(event.data) as Tick;
      this.#stopPolling();
      arrival.value = "live";
      overview.value = tick.overview;
      forget("overview");
      refresh();
    });
    source.addEventListener("trouble", (event: MessageEvent<string>) => {
      // The server's side of the contract holds the same type.
      const { code, message } = JSON.parse(event.data) as ApiFailure["error"];
      note("overview", new Failure(message, { code, status: 503 }));
      refresh();
    });
    source.addEventListener("error", () => {
      this.#startPolling();
      if (source.readyState !== EventSource.CLOSED) return;
      // An answer other than a stream ends it for good; the browser itself tries again after anything else.
      clearTimeout(this.#again);
      this.#again = window.setTimeout(() => this.#listen(), reconnectMs);
    });
  }

  #startPolling(): void {
    if (this.#poll !== undefined) return;
    arrival.value = "polling";
    void look();
    this.#poll = window.setInterval(() => void look(), pollMs);
  }

  #stopPolling(): void {
    clearInterval(this.#poll);
    this.#poll = undefined;
  }
}

async function look(): Promise<void> {
  try {
    overview.value = await read("overview", {});
  } catch (error) {
    // What cannot be read stands in the banner.
    if (!(error instanceof Failure)) throw error;
  } finally {
    refresh();
  }
}
