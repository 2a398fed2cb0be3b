import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ts from "typescript";

/** A file of the repository: its path below the root, and what is in it. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const repository = fileURLToPath(new URL("../../", import.meta.url));

/** The files below some folders of the repository that were written by people. */
export function sourceFiles(folders: readonly string[], pattern: RegExp): SourceFile[] {
  return folders
    .flatMap((folder) => pathsBelow(folder))
    .filter((path) => pattern.test(path) && !/(^|\/)(node_modules|dist)\/|\.generated\./.test(path))
    .map((path) => ({ path, text: readFileSync(`${repository}${path}`, "utf8") }));
}

/** What a file imports or re-exports, as it is written there; dynamic imports and types too. */
export function importsOf({ text }: SourceFile): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

/** How many lines have code on them. */
export function codeLines(file: SourceFile): number {
  const tree = parse(file);
  const lines = new Set<number>();
  for (const token of tokensOf(tree, tree)) {
    const first = tree.getLineAndCharacterOfPosition(token.getStart(tree)).line;
    const last = tree.getLineAndCharacterOfPosition(token.getEnd()).line;
    for (let line = first; line <= last; line += 1) lines.add(line);
  }
  return lines.size;
}

/** The strings and the heads of templates in a file. */
export function textsIn(file: SourceFile): string[] {
  const tree = parse(file);
  return tokensOf(tree, tree).flatMap((token) =>
    ts.isStringLiteralLike(token) || ts.isTemplateHead(token) ? [token.text] : [],
  );
}

const statementStarts = [
  "(?:select|values) [^.]",
  "with (?:recursive )?\\w+ (?:\\([^)]*\\) )?as (?:not )?(?:materialized )?\\(",
  "insert into \\S",
  "update [^ ]+ (?:as \\w+ )?set ",
  "delete from \\S",
  "merge into \\S",
  "(?:create|alter|drop) (?:or replace |temp |temporary |unlogged |unique |materialized )*" +
    "(?:table|index|schema|function|procedure|view|database|role|type|sequence|extension|trigger)\\b",
  'truncate (?:table )?[\\w".:]+$',
  "(?:begin|start transaction) (?:isolation|read|transaction|work|;)",
  "(?:rollback to |release )?savepoint \\S",
  "set (?:local|session|transaction) \\S",
  '(?:un)?listen [\\w":]+$',
  'notify [\\w":]+(?:,|$)',
  "lock table \\S",
];
const statement = new RegExp(`^(?:${statementStarts.join("|")})`);

/**
 * Whether a text in a program looks like SQL. It goes by how statements begin, in the two ways people write keywords, so
 * that a sentence about selecting or updating something does not.
 */
export function looksLikeSql(text: string): boolean {
  const line = text.trim().replace(/\s+/g, " ");
  const firstWord = /^\w+/.exec(line)?.[0] ?? "";
  if (firstWord !== firstWord.toLowerCase() && firstWord !== firstWord.toUpperCase()) return false;
  return statement.test(line.toLowerCase());
}

/** How many statements an SQL text has; comments, strings and function bodies may have semicolons in them. */
export function countStatements(sql: string): number {
  const commentOrQuoted = /--.*|\/\*[^]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$\w*\$)[^]*?\1/g;
  const bare = sql.replace(commentOrQuoted, (found) => (/^(?:--|\/\*)/.test(found) ? " " : "x"));
  return bare.split(";").filter((part) => part.trim() !== "").length;
}

function pathsBelow(folder: string): string[] {
  return readdirSync(`${repository}${folder}`, { recursive: true, encoding: "utf8" }).map(
    (path) => `${folder}/${path}`,
  );
}

function parse({ path, text }: SourceFile): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

function tokensOf(node: ts.Node, tree: ts.SourceFile): ts.Node[] {
  if (ts.isJSDoc(node) || node.kind === ts.SyntaxKind.EndOfFileToken) return [];
  const children = node.getChildren(tree);
  if (children.length > 0) return children.flatMap((child) => tokensOf(child, tree));
  return node.getWidth(tree) > 0 ? [node] : [];
}
