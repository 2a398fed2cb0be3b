import { readFile, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { contenders } from "./contenders/all.ts";
import { joinReports } from "./report/join-reports.ts";
import { writeReport } from "./report/write-report.ts";
import type { BenchReport } from "./result.ts";
import { runBench } from "./run-bench.ts";
import { scenarios } from "./scenarios/all.ts";
import { outcomesOf } from "./targets.ts";

interface Options {
  readonly quick: boolean;
  readonly only?: readonly string[];
  readonly against?: readonly string[];
  readonly settings: readonly ("best" | "defaults")[];
  readonly repeats?: number;
  readonly json?: string;
  readonly continue: boolean;
  readonly report?: readonly string[];
}

const repository = fileURLToPath(new URL("../..", import.meta.url));
const quickPeer = "graphile-worker";
const scenarioNames = scenarios.map(({ name }) => name);
const peerNames = contenders.map(({ name }) => name).filter((name) => name !== "pawl");

const command = new Command("npm run bench --")
  .description("Measures Pawl beside its peers, on servers that it starts itself.")
  .option("--quick", "at most 5 minutes: fewer jobs, one round, best settings, one peer", false)
  .option("--only <scenario,…>", scenarioNames.join(", "), listOf(scenarioNames))
  .option("--against <peer,…>", `${peerNames.join(", ")}; or none`, listOf([...peerNames, "none"]))
  .option("--settings <settings>", "best, defaults", listOf(["best", "defaults"]), [
    "best",
    "defaults",
  ])
  .option("--repeats <number>", "rounds (3, or 1 with --quick)", positiveInteger)
  .option("--json <file>", "where to write the figures, after each scenario")
  .option("--continue", "goes on with the scenarios that the file of --json lacks", false)
  .option("--report <files...>", "writes docs/benchmarks.md from such files, and measures nothing")
  .action(main);

// Without these, what only ends at the exit of the process would outlive it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}
await command.parseAsync();

async function main(options: Options): Promise<void> {
  if (options.report !== undefined) return writeDocumentation(options.report);
  const peers = options.against ?? (options.quick ? [quickPeer] : undefined);
  const report = await runBench(
    {
      scenarios: scenarios.filter(({ name }) => options.only?.includes(name) ?? true),
      contenders: contenders.filter(
        ({ name }) => name === "pawl" || (peers?.includes(name) ?? true),
      ),
      settings: options.quick ? ["best"] : options.settings,
      repeats: options.repeats ?? (options.quick ? 1 : 3),
      isQuick: options.quick,
      earlier: options.continue ? await readReport(options.json) : undefined,
    },
    {
      line: (text) => console.log(text),
      report: async (report) => {
        if (options.json === undefined) return;
        const text = `${JSON.stringify(report, null, 2)}\n`;
        await writeFile(inCallersDirectory(options.json), text);
      },
    },
  );
  for (const { scenario, text, measured, isReached } of outcomesOf(report)) {
    if (isReached !== undefined)
      console.log(`${isReached ? "reached" : "MISSED "}  ${scenario}: ${text}: ${measured}`);
  }
  if (report.missing.some(({ isFailure }) => isFailure)) process.exitCode = 1;
}

async function readReport(file: string | undefined): Promise<BenchReport> {
  if (file === undefined) throw new Error("expected --json with --continue");
  return JSON.parse(await readFile(inCallersDirectory(file), "utf8")) as BenchReport;
}

async function writeDocumentation(files: readonly string[]): Promise<void> {
  const parts = await Promise.all(files.map(readReport));
  const targets = outcomesOf(joinReports(parts));
  await writeReport(parts, { scenarios, contenders, targets }, repository);
}

/** npm starts scripts in the package's own directory, and tells where it was called. */
function inCallersDirectory(file: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), file);
}

function listOf(known: readonly string[]): (given: string) => readonly string[] {
  return (given) => {
    const names = given.split(",").map((name) => name.trim());
    const unknown = names.find((name) => !known.includes(name));
    if (unknown === undefined) return names;
    throw new InvalidArgumentError(`expected some of ${known.join(", ")}, got ${unknown}`);
  };
}

function positiveInteger(given: string): number {
  if (/^[1-9]\d*$/.test(given)) return Number(given);
  throw new InvalidArgumentError(`expected a positive integer, got ${given}`);
}
