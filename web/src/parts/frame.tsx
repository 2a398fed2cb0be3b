import { useEffect, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { troubles } from "../api.ts";
import { formatCount } from "../format.ts";
import { isPaused, manner, overview, refresh } from "../live.ts";
import { hashOf, route, type Screen } from "../route.ts";
import { session } from "../session.ts";
import { chosenTheme, shownTheme, toggleTheme } from "../theme.ts";
import { DialogHost } from "./dialog.tsx";
import { Icon, Mark } from "./icons.tsx";
import { showShortcuts } from "./shortcuts.tsx";
import { ToastList } from "./toast-list.tsx";
import { Tray } from "./tray.tsx";

/** What each screen is called. */
export const titles: Readonly<Record<Screen, string>> = {
  overview: "Overview",
  queues: "Queues",
  jobs: "Jobs",
  job: "Job",
  history: "History",
  workers: "Workers",
  "rate-limits": "Rate limits",
  keys: "Concurrency keys",
  enqueue: "Enqueue",
  operations: "Operations",
  audit: "Audit",
};

const places = [
  ...(["overview", "queues", "jobs", "history", "workers", "rate-limits"] as const),
  ...(["keys", "enqueue", "operations", "audit"] as const),
];

/** What stands around every screen. */
export function Frame({ children }: { readonly children: ComponentChildren }) {
  const main = useRef<HTMLElement>(null);
  const { screen } = route.value;
  useEffect(() => {
    document.title = `${titles[screen]} · Pawl`;
    scrollTo(0, 0);
  }, [screen]);
  return (
    <div class="frame">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <Side screen={screen} />
      <Top />
      <main ref={main} tabIndex={-1}>
        <TroubleBanner />
        {children}
      </main>
      <Tray />
      <ToastList />
      <DialogHost />
    </div>
  );
}

function Side({ screen }: { readonly screen: Screen }) {
  const shown = screen === "job" ? "jobs" : screen;
  return (
    <div class="side">
      <a class="brand" href={hashOf("overview")}>
        <Mark />
        Pawl
      </a>
      <nav aria-label="Screens">
        <ul>
          {places.map((place) => (
            <li key={place}>
              <a href={hashOf(place)} aria-current={place === shown ? "page" : undefined}>
                <Icon name={place} />
                {titles[place]}
                <Badge place={place} />
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="foot">{session.value !== undefined && `Pawl ${session.value.version}`}</div>
    </div>
  );
}

function Badge({ place }: { readonly place: Screen }) {
  const now = overview.value;
  if (now === undefined) return null;
  if (place === "jobs") return <span class="count">{formatCount(now.counts.ready)} ready</span>;
  if (place === "workers") return <span class="count">{now.workers.alive}</span>;
  return null;
}

function Top() {
  const who = session.value;
  // Read, so that a change of it is seen.
  const isDark = (chosenTheme.value ?? shownTheme()) === "dark";
  return (
    <header class="top">
      <div class="place">
        {who?.environment !== null && who !== undefined && (
          <span class="environment cut">{who.environment}</span>
        )}
        {who !== undefined && <span class="schema faint cut">schema {who.schema}</span>}
      </div>
      <LiveButton />
      <button type="button" class="plain square" aria-label="Keys" onClick={showShortcuts}>
        <Icon name="keyboard" />
      </button>
      <button
        type="button"
        class="plain square"
        aria-label={isDark ? "Use the light theme" : "Use the dark theme"}
        onClick={toggleTheme}
      >
        <Icon name={isDark ? "sun" : "moon"} />
      </button>
      {who !== undefined && (
        <span class="who">
          {who.name} · {who.role}
        </span>
      )}
    </header>
  );
}

const manners = {
  live: ["live", "state done"],
  polling: ["every 5 s", "state blocked"],
  paused: ["paused", "state stopped"],
} as const;

function LiveButton() {
  const [text, tone] = manners[manner.value];
  return (
    <button
      type="button"
      class="plain"
      aria-pressed={isPaused.value}
      aria-label={isPaused.value ? "Go on showing news" : "Pause showing news"}
      onClick={() => {
        isPaused.value = !isPaused.value;
        refresh();
      }}
    >
      <span class={tone}>
        <span class="said">{text}</span>
      </span>
      <Icon name={isPaused.value ? "play" : "pause"} />
    </button>
  );
}

function TroubleBanner() {
  const failures = [...troubles.value.values()];
  const [first] = failures;
  if (first === undefined) return null;
  return (
    <div class="banner bad top-banner" role="alert">
      <Icon name="warning" />
      <strong>{headline(first.code, first.status)}</strong>
      <span>{sentence(first.message)} It is tried again every few seconds.</span>
    </div>
  );
}

// What the server says begins in lower case, and has no full stop.
function sentence(text: string): string {
  const whole = text.endsWith(".") ? text : `${text}.`;
  return whole.charAt(0).toUpperCase() + whole.slice(1);
}

function headline(code: string, status: number): string {
  if (status === 0) return "No connection.";
  if (status === 401) return "You are not signed in.";
  return code.endsWith("_TIMEOUT") ? "An answer took too long." : "The database does not answer.";
}
