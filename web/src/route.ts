import { signal } from "@preact/signals";

/** The screens, by the name that stands in the address. */
export const screens = [
  "overview",
  "queues",
  "jobs",
  "job",
  "history",
  "workers",
  "rate-limits",
  "keys",
  "enqueue",
  "operations",
  "audit",
] as const;

export type Screen = (typeof screens)[number];

/** What the address says; empty parameters are left out. */
export type Params = Readonly<Record<string, string>>;

/** Where somebody is: everything that a link to it has to carry. */
export interface Route {
  readonly screen: Screen;
  readonly params: Params;
}

/** Reads `#/jobs?state=ready&queue=mail`; what is not known is the overview. */
export function parseHash(hash: string): Route {
  const [path = "", query = ""] = split(hash.replace(/^#\/?/, ""), "?");
  const screen = screens.find((each) => each === path);
  if (screen === undefined) return { screen: "overview", params: {} };
  const pairs = [...new URLSearchParams(query)].filter(([, value]) => value !== "");
  return { screen, params: Object.fromEntries(pairs) };
}

/** The address of a screen, for a link; what is undefined or empty is left out. */
export function hashOf(screen: Screen, params: Readonly<Record<string, string | undefined>> = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== "") query.set(name, value);
  }
  const text = query.toString();
  return text === "" ? `#/${screen}` : `#/${screen}?${text}`;
}

/** Where somebody is now. */
export const route = signal<Route>(parseHash(globalThis.location?.hash ?? ""));

/** Follows the address from now on. */
export function followAddress(): void {
  addEventListener("hashchange", () => {
    route.value = parseHash(location.hash);
  });
}

/** Goes to another screen. */
export function go(screen: Screen, params: Readonly<Record<string, string | undefined>> = {}) {
  location.hash = hashOf(screen, params);
}

/** Changes some parameters of this screen; undefined removes one. Going back undoes it. */
export function change(params: Readonly<Record<string, string | undefined>>): void {
  const { screen, params: current } = route.value;
  go(screen, { ...current, ...params });
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + mark.length)];
}
