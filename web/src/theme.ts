import { signal } from "@preact/signals";

/** How the page looks: as the system says, or as somebody has chosen. */
export type Theme = "system" | "light" | "dark";

const themes: readonly Theme[] = ["system", "light", "dark"];
const place = "pawl-theme";

/** What was chosen. */
export const theme = signal<Theme>("system");

/** Grows whenever the colours change: what is painted by hand is painted anew. */
export const paint = signal(0);

/** Applies what was chosen the last time. */
export function startTheme(): void {
  apply(themes.find((each) => each === remembered()) ?? "system");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    paint.value += 1;
  });
}

/** Takes the next of the three. */
export function nextTheme(): void {
  const next = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? "system";
  apply(next);
  try {
    localStorage.setItem(place, next);
  } catch {
    // A browser that keeps nothing still shows it.
  }
}

/** A colour of the theme, by the name of its token. */
export function colour(token: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${token}`).trim();
}

function apply(chosen: Theme): void {
  theme.value = chosen;
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  paint.value += 1;
}

function remembered(): string | null {
  try {
    return localStorage.getItem(place);
  } catch {
    return null;
  }
}
