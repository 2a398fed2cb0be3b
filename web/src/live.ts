import { effect, signal } from "@preact/signals";
import type { Overview, Tick } from "../../src/dashboard/api.ts";
import { ApiError, read } from "./api.ts";
import { setTrouble, type Trouble } from "./trouble.ts";

/** How news comes: sent by the server, asked for every few seconds, or not at all. */
export type Connection = "live" | "polling" | "connecting" | "paused";

/** The latest overview; undefined until there is one. */
export const overview = signal<Overview | undefined>(undefined);

/** How news comes at the moment. */
export const connection = signal<Connection>("connecting");

/** Whether somebody has asked for everything to stand still. */
export const isPaused = signal(false);

/** Whether anybody can see this page. */
const isVisible = signal(true);

/** Grows each time that whatever is shown should be read anew: every four seconds or so. */
export const beat = signal(0);

/** This browser's clock less the server's, so that "3 s ago" is right on either. */
export const clockSkewMs = signal(0);

const pollMs = 5_000;
const beatMs = 3_900;
const reconnectMs = 30_000;
// Of a stream that says nothing for so long, nobody knows whether it is one.
const silenceMs = 10_000;

/** Follows the server for as long as the page is seen and not paused. */
export function startLive(): void {
  const look = (): void => {
    isVisible.value = document.visibilityState !== "hidden";
  };
  look();
  document.addEventListener("visibilitychange", look);
  effect(() => {
    if (isPaused.value) connection.value = "paused";
    if (isPaused.value || !isVisible.value) return undefined;
    const follower = new Follower();
    return () => follower.stop();
  });
}

class Follower {
  #source: EventSource | undefined;
  #polling: ReturnType<typeof setInterval> | undefined;
  #reconnecting: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;
  #beatAt = 0;

  constructor() {
    this.#connect();
  }

  stop(): void {
    this.#isStopped = true;
    this.#source?.close();
    clearInterval(this.#polling);
    clearTimeout(this.#reconnecting);
    clearTimeout(this.#silence);
    setTrouble("live", undefined);
  }

  #connect(): void {
    connection.value = "connecting";
    const source = new EventSource("api/live");
    this.#source = source;
    this.#watch();
    source.addEventListener("tick", ({ data }: MessageEvent<string>) => {
      this.#hear((JSON.parse(data) as Tick).overview); // the contract with our own server
      connection.value = "live";
      this.#watch();
      clearInterval(this.#polling);
      this.#polling = undefined;
    });
    source.addEventListener("trouble", ({ data }: MessageEvent<string>) => {
      setTrouble("live", JSON.parse(data) as Trouble); // the contract with our own server
      this.#watch();
      this.#beat();
    });
    source.addEventListener("error", () => this.#fail(source));
  }

  // A browser connects again by itself, unless it was answered with something else than a stream.
  #fail(source: EventSource): void {
    if (this.#isStopped) return;
    if (source.readyState === EventSource.CLOSED) {
      clearTimeout(this.#reconnecting);
      this.#reconnecting = setTimeout(() => this.#connect(), reconnectMs);
    }
    this.#startPolling();
  }

  // Proxies hold streams back, and connections end without a word.
  #watch(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#startPolling(), silenceMs);
  }

  #startPolling(): void {
    connection.value = "connecting";
    if (this.#polling !== undefined) return;
    this.#polling = setInterval(() => void this.#poll(), pollMs);
    void this.#poll();
  }

  async #poll(): Promise<void> {
    try {
      const answer = await read("overview", {});
      if (this.#isStopped || connection.value === "live") return;
      this.#hear(answer);
      connection.value = "polling";
    } catch (error) {
      if (this.#isStopped) return;
      connection.value = "connecting";
      if (error instanceof ApiError) setTrouble("live", error);
      this.#beat();
    }
  }

  #hear(answer: Overview): void {
    setTrouble("live", undefined);
    clockSkewMs.value = Date.now() - Date.parse(answer.now);
    overview.value = answer;
    this.#beat();
  }

  #beat(): void {
    const now = performance.now();
    if (now - this.#beatAt < beatMs) return;
    this.#beatAt = now;
    beat.value += 1;
  }
}
