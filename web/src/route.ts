import { signal } from "@preact/signals";
import { formatHash, parseHash, type Choices, type Route } from "./address.ts";

/** Where we are. It follows the address. */
export const route = signal<Route>(parseHash(location.hash));

addEventListener("hashchange", () => {
  const { screen } = route.value;
  route.value = parseHash(location.hash);
  if (route.value.screen !== screen) scrollTo(0, 0);
});

/** Goes to another screen. */
export function go(screen: string, choices: Choices = {}): void {
  location.hash = formatHash(screen, choices);
}

/** The same screen with other choices; those that are not named stay as they are. */
export function choose(choices: Choices): void {
  const { screen, query } = route.peek();
  go(screen, { ...query, ...choices });
}

/** The hash of the same screen with other choices. */
export function linkWith(choices: Choices): string {
  const { screen, query } = route.value;
  return formatHash(screen, { ...query, ...choices });
}
