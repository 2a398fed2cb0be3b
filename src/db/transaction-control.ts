const wordStart = /[A-Za-z_\u0080-\uffff]/;
const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const dollarQuote = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const leadingWords = 4;

/** What a text of SQL does besides reading and writing. */
export interface SqlEffects {
  /** The first statement that begins, ends or prepares a transaction, in its own words. */
  readonly control: string | undefined;
  /** Whether the session is left with other settings, also after a commit. */
  readonly changesSession: boolean;
}

/** Finds what the statements of a text would do to the transaction and the session they run in. */
export function effectsOf(text: string): SqlEffects {
  const statements = leadingWordsOf(text);
  return {
    control: statements.find(isControl)?.join(" "),
    changesSession: statements.some(isSessionChange),
  };
}

function isControl([first, second, third]: readonly string[]): boolean {
  switch (first) {
    case "begin":
    case "commit":
    case "end":
    case "abort":
      return true;
    case "start":
    case "prepare":
      return second === "transaction";
    case "rollback": {
      const target = second === "work" || second === "transaction" ? third : second;
      return target !== "to";
    }
    default:
      return false;
  }
}

function isSessionChange([first, second = ""]: readonly string[]): boolean {
  if (first === "set") return !["local", "transaction", "constraints"].includes(second);
  return ["reset", "discard", "deallocate", "listen"].includes(first ?? "");
}

/** The first words of each statement, in lower case. */
function leadingWordsOf(text: string): string[][] {
  const statements: string[][] = [];
  const lastStart = startOfLastStatement(text);
  let at = 0;
  while (at < text.length) {
    const statement = readStatement(text, at, lastStart);
    if (statement.words.length > 0) statements.push(statement.words);
    at = statement.end;
  }
  return statements;
}

// Past here the first words are all there is to know, so that one long statement costs nothing.
function startOfLastStatement(text: string): number {
  const trimmed = text.trimEnd();
  return trimmed.lastIndexOf(";", trimmed.endsWith(";") ? trimmed.length - 2 : trimmed.length) + 1;
}

function readStatement(
  text: string,
  start: number,
  lastStart: number,
): { words: string[]; end: number } {
  const words: string[] = [];
  const nesting = new Nesting();
  let isCollecting = true;
  let at = start;
  while (at < text.length && (isCollecting || at < lastStart)) {
    const token = readToken(text, at);
    at += token.length;
    if (isBlank(token)) continue;
    if (token === ";" && nesting.isTop) return { words, end: at };
    isCollecting &&= isWord(token) && words.length < leadingWords;
    if (isCollecting) words.push(token.toLowerCase());
    nesting.enter(token.toLowerCase(), words);
  }
  return { words, end: text.length };
}

/** Tells the semicolons that end a statement from those in parentheses and in SQL-standard function bodies. */
class Nesting {
  #parentheses = 0;
  #blocks = 0;

  get isTop(): boolean {
    return this.#parentheses === 0 && this.#blocks === 0;
  }

  enter(token: string, words: readonly string[]): void {
    if (token === "(") this.#parentheses += 1;
    if (token === ")") this.#parentheses -= 1;
    if (!isRoutine(words)) return;
    // As psql counts: `begin atomic … end`, with `case … end` inside.
    if (token === "begin" || (token === "case" && this.#blocks > 0)) this.#blocks += 1;
    if (token === "end" && this.#blocks > 0) this.#blocks -= 1;
  }
}

function isRoutine(words: readonly string[]): boolean {
  const [first, second, , fourth] = words;
  const kind = second === "or" ? fourth : second;
  return first === "create" && (kind === "function" || kind === "procedure");
}

/** A word, a whole comment or quoted text, or one character. */
function readToken(text: string, at: number): string {
  return text.slice(at, endOfToken(text, at));
}

function endOfToken(text: string, at: number): number {
  const first = text[at] ?? "";
  const two = text.slice(at, at + 2);
  if (two === "--") return endOf(text, "\n", at);
  if (two === "/*") return endOfComment(text, at);
  if (two === "e'" || two === "E'") return endOfEscaped(text, at + 2);
  // A doubled quote reads as two quoted texts side by side, which ends at the same place.
  if (first === "'" || first === '"') return endOf(text, first, at + 1);
  if (first === "$") return endOfDollarQuoted(text, at);
  return endOfMatch(word, text, at) ?? at + 1;
}

function isBlank(token: string): boolean {
  return token.startsWith("--") || token.startsWith("/*") || token.trim() === "";
}

function isWord(token: string): boolean {
  return wordStart.test(token[0] ?? "") && !token.endsWith("'");
}

// Comments nest in PostgreSQL.
function endOfComment(text: string, start: number): number {
  const edges = /\/\*|\*\//g;
  edges.lastIndex = start;
  let depth = 0;
  for (let edge = edges.exec(text); edge !== null; edge = edges.exec(text)) {
    depth += edge[0] === "/*" ? 1 : -1;
    if (depth === 0) return edges.lastIndex;
  }
  return text.length;
}

function endOfEscaped(text: string, start: number): number {
  const edges = /\\[\s\S]|'/g;
  edges.lastIndex = start;
  for (let edge = edges.exec(text); edge !== null; edge = edges.exec(text)) {
    if (edge[0] === "'") return edges.lastIndex;
  }
  return text.length;
}

function endOfDollarQuoted(text: string, at: number): number {
  const opened = endOfMatch(dollarQuote, text, at);
  return opened === undefined ? at + 1 : endOf(text, text.slice(at, opened), opened);
}

function endOf(text: string, mark: string, start: number): number {
  const found = text.indexOf(mark, start);
  return found === -1 ? text.length : found + mark.length;
}

function endOfMatch(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
