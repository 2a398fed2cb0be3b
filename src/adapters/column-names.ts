import { migrations } from "../db/sql.generated.ts";

type Rename = (name: string) => string;

const words = /[a-z_][a-z0-9_]*/gi;

/** Finds the names that columns have on the server, where the application has the driver rename them. */
export class ColumnNames {
  readonly #rename: Rename | undefined;
  readonly #byText = new Map<string, ReadonlyMap<string, string>>();
  #ofFunctions: ReadonlyMap<string, string> | undefined;

  constructor(rename: Rename | undefined) {
    this.#rename = rename;
  }

  /** Turns the names that the driver shows for a statement's columns into those that the statement gave them. */
  of(text: string): Rename {
    const rename = this.#rename;
    if (rename === undefined) return (shown) => shown;
    let known = this.#byText.get(text);
    if (known === undefined) {
      known = shownNames(text, rename);
      this.#byText.set(text, known);
    }
    return (shown) => known.get(shown) ?? this.#nameInFunctions(shown, rename);
  }

  // A statement may select everything that one of Pawl's functions returns.
  #nameInFunctions(shown: string, rename: Rename): string {
    this.#ofFunctions ??= shownNames(migrations.map(({ text }) => text).join("\n"), rename);
    return this.#ofFunctions.get(shown) ?? shown;
  }
}

/** Every word of a text by how the application's function shows it; the first one counts. */
function shownNames(text: string, rename: Rename): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const word of text.match(words) ?? []) {
    const shown = renamed(word, rename);
    if (shown !== undefined && !names.has(shown)) names.set(shown, word);
  }
  return names;
}

// Not every word is a column, and the function was made for columns only.
function renamed(word: string, rename: Rename): string | undefined {
  try {
    return rename(word);
  } catch {
    return undefined;
  }
}
