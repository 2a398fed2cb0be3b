import { execFile } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import * as ts from "typescript";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { codeBlocks, repository, type Page } from "./markdown.ts";

/**
 * A program of the documentation: a block marked as `ts`, with the blocks after it that are marked with
 * `<!-- continues -->`. Each is compiled; one marked with `<!-- runs -->` is run as well. A block marked as `text` with
 * `<!-- prints -->` is what the program before it prints.
 */
export interface Program {
  readonly place: string;
  readonly text: string;
  readonly runs: boolean;
  readonly prints: string | undefined;
}

/** The programs of a page. */
export function programsOf(page: Page): Program[] {
  const programs: Program[] = [];
  for (const { language, text, place, marks } of codeBlocks(page)) {
    const last = programs.at(-1);
    if (language === "ts" && last !== undefined && marks.includes("continues")) {
      programs.splice(-1, 1, { ...last, text: `${last.text}\n${text}` });
    } else if (language === "ts") {
      programs.push({ place, text, runs: marks.includes("runs"), prints: undefined });
    } else if (last !== undefined && marks.includes("prints")) {
      programs.splice(-1, 1, { ...last, prints: text });
    }
  }
  return programs;
}

/** What the compiler has to say about the programs, each as a module in the root of the repository. */
export function compile(programs: readonly Program[]): string[] {
  const options = compilerOptions();
  const texts = new Map(
    programs.map(({ text }, index) => [`${repository}example-${index + 1}.ts`, text]),
  );
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  const program = ts.createProgram([...texts.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => describe(diagnostic, programs));
}

/** Runs a program as a user would, in a folder of its own with the package installed; resolves with what it prints. */
export async function run({ text }: Program, databaseUrl: string): Promise<string> {
  const folder = temporaryDirectory();
  symlinkSync(`${repository}node_modules`, join(folder, "node_modules"));
  const file = join(folder, "program.mjs");
  writeFileSync(file, scriptOf(text));
  const { stdout } = await promisify(execFile)(process.execPath, [file], {
    cwd: folder,
    env: { ...process.env, DATABASE_URL: databaseUrl },
    timeout: 18_000,
  });
  return stdout;
}

/** A program as JavaScript. */
export function scriptOf(text: string): string {
  const compilation = { compilerOptions: compilerOptions(), fileName: "program.mts" };
  return ts.transpileModule(text, compilation).outputText;
}

function compilerOptions(): ts.CompilerOptions {
  const path = `${repository}tsconfig.base.json`;
  const { config } = ts.readConfigFile(path, ts.sys.readFile) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, repository);
  // An example may define what its reader uses.
  return { ...options, noEmit: true, noUnusedLocals: false, noUnusedParameters: false };
}

function describe(diagnostic: ts.Diagnostic, programs: readonly Program[]): string {
  const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n");
  const number = Number(/example-(\d+)\.ts$/.exec(diagnostic.file?.fileName ?? "")?.[1]);
  const place = programs[number - 1]?.place ?? "the programs";
  const line = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0;
  return `${place}, line ${line + 1} of the program: ${message}`;
}
