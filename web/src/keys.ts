import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { go } from "./route.ts";

/** What a key does, for the dialog that tells. */
export interface KeyHint {
  readonly keys: readonly string[];
  readonly text: string;
}

/** The screens that `g` and a letter lead to. */
export const destinations: Readonly<Record<string, string>> = {
  o: "overview",
  q: "queues",
  j: "jobs",
  h: "history",
  w: "workers",
  r: "rate-limits",
  k: "concurrency-keys",
  e: "enqueue",
  p: "operations",
  a: "audit",
};

/** What the other keys do. */
export const hints: readonly KeyHint[] = [
  { keys: ["/"], text: "Go to the filter" },
  { keys: ["j", "k"], text: "Next and previous row" },
  { keys: ["Enter"], text: "Open the row" },
  { keys: ["x"], text: "Select the row" },
  { keys: ["?"], text: "Show these keys" },
  { keys: ["Esc"], text: "Close what is open" },
];

/** Whether the dialog with the keys is open. */
export const areKeysShown = signal(false);

/** What the keys do to the list that is shown. */
interface List {
  readonly move: (step: number) => void;
  readonly open: () => void;
  readonly toggle: () => void;
}

let list: List | undefined;
let wasG = false;

/** Listens to keys that are pressed outside of fields and dialogs. */
export function startKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
    if (press(event.key)) event.preventDefault();
  });
}

/** Lets keys move through a list; tells which row they are at, -1 before the first. */
export function useListKeys<Row>(
  rows: readonly Row[],
  on: { readonly open: (row: Row) => void; readonly toggle?: (row: Row) => void },
): number {
  const [current, setCurrent] = useState(-1);
  const at = Math.min(current, rows.length - 1);
  // Before the screen is painted: keys may come faster than it is.
  useLayoutEffect(() => {
    const row = rows[at];
    const own: List = {
      move: (step) => setCurrent(Math.max(0, Math.min(rows.length - 1, at + step))),
      open: () => row !== undefined && on.open(row),
      toggle: () => row !== undefined && on.toggle?.(row),
    };
    list = own;
    return () => {
      if (list === own) list = undefined;
    };
  });
  useEffect(() => {
    document.querySelector("tr.current")?.scrollIntoView({ block: "nearest" });
  }, [at]);
  return at;
}

function press(key: string): boolean {
  const destination = wasG ? destinations[key] : undefined;
  wasG = key === "g" && !wasG;
  if (destination !== undefined) {
    go(destination);
    return true;
  }
  switch (key) {
    case "g":
      return true;
    case "/":
      document.getElementById("filter")?.focus();
      return true;
    case "?":
      areKeysShown.value = true;
      return true;
    case "j":
    case "k":
      list?.move(key === "j" ? 1 : -1);
      return list !== undefined;
    case "Enter":
      list?.open();
      return list !== undefined;
    case "x":
      list?.toggle();
      return list !== undefined;
    default:
      return false;
  }
}

// What has the focus may have a use for the key itself.
function isTaken({ target, key }: KeyboardEvent): boolean {
  if (document.querySelector("dialog[open]") !== null) return true;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) {
    return !(target instanceof HTMLInputElement && target.type === "checkbox" && key !== "Enter");
  }
  return key === "Enter" && target.closest("a[href], button, summary") !== null;
}
