import { go, type Screen } from "./route.ts";
import { closeDialog, isDialogOpen } from "./parts/dialog.tsx";
import { showShortcuts } from "./parts/shortcuts.tsx";

const places: Readonly<Record<string, Screen>> = {
  o: "overview",
  q: "queues",
  j: "jobs",
  h: "history",
  w: "workers",
  r: "rate-limits",
  k: "keys",
  e: "enqueue",
};
const sequenceMs = 1_200;

let goUntil = 0;

/** Makes the whole dashboard usable by keyboard, from now on. */
export function followKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isDialogOpen()) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape" && event.target instanceof HTMLElement) event.target.blur();
      return;
    }
    if (handle(event.key, event)) event.preventDefault();
  });
  // A dialog belongs to the screen that opened it.
  addEventListener("hashchange", () => closeDialog());
}

function handle(key: string, event: KeyboardEvent): boolean {
  const place = places[key];
  if (performance.now() < goUntil && place !== undefined) {
    goUntil = 0;
    go(place);
    return true;
  }
  goUntil = 0;
  switch (key) {
    case "g":
      goUntil = performance.now() + sequenceMs;
      return true;
    case "/":
      return focus(document.querySelector<HTMLElement>("[data-filter]"));
    case "j":
      return focus(rowBeside(1));
    case "k":
      return focus(rowBeside(-1));
    case "x":
      return press(currentRow()?.querySelector<HTMLElement>("input[type=checkbox]"));
    case "Enter":
      return event.target === currentRow() && open(currentRow());
    case "?":
      showShortcuts();
      return true;
    default:
      return false;
  }
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return target.type !== "checkbox";
  return target.matches("textarea, select");
}

function currentRow(): HTMLElement | undefined {
  return document.activeElement?.closest<HTMLElement>("[data-row]") ?? undefined;
}

function rowBeside(step: 1 | -1): HTMLElement | undefined {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const current = currentRow();
  if (current === undefined) return step === 1 ? rows[0] : rows.at(-1);
  const next = rows.indexOf(current) + step;
  return rows[Math.min(rows.length - 1, Math.max(0, next))];
}

function open(row: HTMLElement | undefined): boolean {
  const address = row?.dataset.open;
  if (address === undefined) return false;
  location.hash = address;
  return true;
}

function focus(element: HTMLElement | null | undefined): boolean {
  element?.focus();
  element?.scrollIntoView({ block: "nearest" });
  return element !== null && element !== undefined;
}

function press(element: HTMLElement | null | undefined): boolean {
  element?.click();
  return element !== null && element !== undefined;
}
