/** What is shown: a screen, and everything that was chosen on it. */
export interface Route {
  readonly screen: string;
  readonly query: Query;
}

/** Choices by name; what is not chosen is not there. */
export type Query = Readonly<Record<string, string>>;

/** Choices to make, or to unmake. */
export type Choices = Readonly<Record<string, string | undefined>>;

/** Reads an address's hash: `#/jobs?state=ready&queue=mail`. What it cannot read is left out. */
export function parseHash(hash: string): Route {
  const text = hash.replace(/^#?\/?/, "");
  const at = text.indexOf("?");
  const screen = at < 0 ? text : text.slice(0, at);
  const query = at < 0 ? "" : text.slice(at + 1);
  return {
    screen: screen === "" ? "overview" : screen,
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

/** The hash that leads to a screen with these choices. */
export function formatHash(screen: string, choices: Choices = {}): string {
  const chosen = Object.entries(choices).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== "",
  );
  const query = new URLSearchParams(chosen).toString();
  return query === "" ? `#/${screen}` : `#/${screen}?${query}`;
}
