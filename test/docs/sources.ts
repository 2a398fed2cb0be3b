import { readdirSync, readFileSync } from "node:fs";
import * as ts from "typescript";
import { repository } from "./markdown.ts";

/** The names of the members of an interface in a source file; empty when there is no such interface. */
export function membersOf(path: string, name: string): string[] {
  return declarations(path)
    .filter(ts.isInterfaceDeclaration)
    .filter((each) => each.name.text === name)
    .flatMap(({ members }) => members.flatMap(nameOf));
}

/** The names of the members of the options that a function or a method of a source file takes first. */
export function optionsOf(path: string, name: string): string[] {
  return declarations(path)
    .filter((node) => ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node))
    .filter((each) => each.name?.getText() === name)
    .flatMap(({ parameters: [first] }) =>
      first?.type !== undefined && ts.isTypeLiteralNode(first.type)
        ? first.type.members.flatMap(nameOf)
        : [],
    );
}

/** The strings of a union type in a source file. */
export function choicesOf(path: string, name: string): string[] {
  return declarations(path)
    .filter(ts.isTypeAliasDeclaration)
    .filter((each) => each.name.text === name)
    .flatMap(({ type }) => (ts.isUnionTypeNode(type) ? [...type.types] : [type]))
    .flatMap((type) =>
      ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal) ? [type.literal.text] : [],
    );
}

/** Everything in the files below a folder that a pattern finds, once each, in order. */
export function wordsIn(folder: string, pattern: RegExp): string[] {
  const texts = readdirSync(`${repository}${folder}`, { recursive: true, encoding: "utf8" })
    .filter((path) => /(?<!\.generated)\.(ts|sql)$/.test(path))
    .map((path) => readFileSync(`${repository}${folder}/${path}`, "utf8"));
  return [...new Set(texts.flatMap((text) => text.match(pattern) ?? []))].sort();
}

function declarations(path: string): ts.Node[] {
  const text = readFileSync(`${repository}${path}`, "utf8");
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return tree.statements.flatMap<ts.Node>((statement) =>
    ts.isClassDeclaration(statement) ? statement.members : statement,
  );
}

function nameOf(member: ts.TypeElement): string[] {
  return member.name === undefined ? [] : [member.name.getText()];
}
