import { signal } from "@preact/signals";

/** What the address says: a screen, and what it shows. */
export interface Route {
  readonly screen: string;
  readonly params: Readonly<Record<string, string>>;
}

/** Where we are. */
export const route = signal<Route>(parse(location.hash));

addEventListener("hashchange", () => {
  route.value = parse(location.hash);
});

/** The address of a screen: `#/jobs?state=ready`. */
export function hrefOf(screen: string, params: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(params).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== "",
  );
  const query = new URLSearchParams(given).toString();
  return query === "" ? `#/${screen}` : `#/${screen}?${query}`;
}

/** Goes to a screen. */
export function go(screen: string, params: Readonly<Record<string, string | undefined>> = {}): void {
  location.hash = hrefOf(screen, params);
}

/** Stays on the screen, with other parameters; those that are undefined are removed. */
export function change(params: Readonly<Record<string, string | undefined>>): void {
  const { screen, params: before } = route.value;
  go(screen, { ...before, ...params });
}

function parse(hash: string): Route {
  const [screen = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  return {
    screen: screen === "" ? "overview" : screen,
    params: Object.fromEntries(new URLSearchParams(query)),
  };
}
