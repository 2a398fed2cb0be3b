import { effect, signal } from "@preact/signals";

const key = "pawl.theme";

export type Theme = "light" | "dark";

/** What somebody has chosen; undefined follows the system. */
export const chosenTheme = signal<Theme | undefined>(remembered());

/** Shows the chosen theme, and remembers it, from now on. */
export function followTheme(): void {
  effect(() => {
    const theme = chosenTheme.value;
    if (theme === undefined) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  });
}

/** What is seen now. */
export function shownTheme(): Theme {
  if (chosenTheme.value !== undefined) return chosenTheme.value;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** From dark to light and back. */
export function toggleTheme(): void {
  const theme = shownTheme() === "dark" ? "light" : "dark";
  chosenTheme.value = theme;
  try {
    localStorage.setItem(key, theme);
  } catch {
    // Storage that is forbidden or full: it is forgotten with the page.
  }
}

function remembered(): Theme | undefined {
  try {
    const theme = localStorage.getItem(key);
    return theme === "light" || theme === "dark" ? theme : undefined;
  } catch {
    return undefined;
  }
}
