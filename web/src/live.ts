import { signal } from "@preact/signals";
import type { Overview, Session, Tick } from "../../src/dashboard/api.ts";
import { ApiError, read } from "./api.ts";

/** How things are; undefined until they are known. */
export const overview = signal<Overview | undefined>(undefined);
/** Counts up when a screen is to look again. */
export const beat = signal(0);
/** Whether somebody has stopped the clock. */
export const isPaused = signal(false);
/** What is wrong between here and the database; undefined when nothing is. */
export const trouble = signal<string | undefined>(undefined);
/** Who is looking. */
export const session = signal<Session | undefined>(undefined);

const pollMs = 5_000;
let source: EventSource | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Looks as long as the tab is seen and nobody has paused it: by server-sent events, and by asking when there are none. */
export function startLive(): void {
  document.addEventListener("visibilitychange", resume);
  isPaused.subscribe(resume);
  void signIn();
}

/** Asks at once. */
export async function lookAgain(): Promise<void> {
  try {
    take(await read("overview", {}));
  } catch (error) {
    noteTrouble(error);
  }
}

/** Notes what went wrong with an answer, if it is of the connection; it heals with the next answer. */
export function noteTrouble(error: unknown): void {
  if (!(error instanceof ApiError)) return;
  const isConnection = /UNREACHABLE|UNAVAILABLE|TIMEOUT|FAILED/.test(error.code);
  if (isConnection) trouble.value = error.message;
}

async function signIn(): Promise<void> {
  try {
    session.value = await read("session", {});
  } catch (error) {
    trouble.value = error instanceof Error ? error.message : String(error);
    setTimeout(() => void signIn(), pollMs);
  }
}

function resume(): void {
  source?.close();
  source = undefined;
  clearTimeout(timer);
  if (document.hidden || isPaused.value) return;
  const events = new EventSource("./api/live");
  source = events;
  events.addEventListener("tick", (event: MessageEvent<string>) => {
    take((JSON.parse(event.data) as Tick).overview); // as the contract has it
  });
  events.addEventListener("trouble", () => {
    trouble.value = "The database cannot be reached at the moment.";
  });
  events.addEventListener("error", () => {
    events.close();
    poll();
  });
}

function poll(): void {
  clearTimeout(timer);
  if (document.hidden || isPaused.value) return;
  void lookAgain().finally(() => {
    timer = setTimeout(poll, pollMs);
  });
}

function take(seen: Overview): void {
  overview.value = seen;
  trouble.value = undefined;
  beat.value += 1;
}
