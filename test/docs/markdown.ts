import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder of the repository, with a trailing slash. */
export const repository = fileURLToPath(new URL("../../", import.meta.url));

/** A page of the documentation: its path below the repository, and what is in it. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** A fenced block of a page. */
export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  /** Where it stands, as editors write it: `README.md:12`. */
  readonly place: string;
  /** What the HTML comment before it says, in words: `<!-- runs -->`. */
  readonly marks: readonly string[];
}

const singlePages = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "sql/README.md"];

/** Every page that people read. */
export function pages(): Page[] {
  const below = readdirSync(`${repository}docs`, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => `docs/${path}`);
  return [...singlePages, ...below.sort()].map(page);
}

/** One page. */
export function page(path: string): Page {
  return { path, text: readFileSync(`${repository}${path}`, "utf8") };
}

/** The fenced blocks of a page, in order. */
export function codeBlocks({ path, text }: Page): CodeBlock[] {
  const fenced = /(?:<!-- ([^>]*?) -->\n+)?^```(\w*)\n([^]*?)^```$/gm;
  return [...text.matchAll(fenced)].map(
    ([all, marks = "", language = "", code = ""], index, found) => {
      const start = (found[index]?.index ?? 0) + all.indexOf("```");
      const line = text.slice(0, start).split("\n").length;
      return {
        language,
        text: code,
        place: `${path}:${line}`,
        marks: marks.split(/\s+/).filter(Boolean),
      };
    },
  );
}

/** The text below a heading, up to the next one of its level or above; empty when there is no such heading. */
export function section({ text }: Page, heading: string): string {
  const lines = text.split("\n");
  const start = lines.indexOf(heading);
  if (start === -1) return "";
  const level = /^#+/.exec(heading)?.[0].length ?? 1;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => (/^(#+) /.exec(line)?.[1]?.length ?? Infinity) <= level);
  return rest.slice(0, end === -1 ? rest.length : end).join("\n");
}

/** The rows of the tables in a text, by their cells, without the heads. */
export function tableRows(text: string): string[][] {
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  const isRule = (line: string | undefined): boolean => /^\|[\s:|-]+\|$/.test(line ?? "");
  return lines
    .filter((line, index) => !isRule(line) && !isRule(lines[index + 1]))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

/** The words in code font that begin the rows of the tables in a text. */
export function namesInTables(text: string): string[] {
  return tableRows(text).flatMap(([first = ""]) => /^`([^`]+)`$/.exec(first)?.[1] ?? []);
}
