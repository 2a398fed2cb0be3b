import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { campaign } from "./campaign.ts";
import { faults } from "./faults/all.ts";
import type { Fault } from "./faults/fault.ts";
import { hunt, type Hunt, type HuntOptions } from "./mutants/hunt.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { mutants } from "./mutants/mutants.ts";
import { lateSettle, type LateSettle } from "./peers/late-settle.ts";
import { peers } from "./peers/peers.ts";
import { plansOf, type Plan } from "./plan.ts";
import { failureOf, progressOf, summaryOf } from "./report/summary.ts";
import { reportOf, type FailedRun } from "./report/report.ts";
import { ResultsFile } from "./report/results-file.ts";
import { writeGuarantees } from "./report/write-guarantees.ts";
import type { RunResult } from "./run.ts";

interface Options {
  readonly runs: number;
  readonly seed?: number;
  readonly only?: readonly Fault[];
  readonly replay?: Plan;
  readonly json?: string;
  readonly continue?: string;
  readonly peers?: boolean;
  readonly guarantees?: boolean;
  /** True: all of them. */
  readonly mutants?: readonly Mutant[] | true;
}

const command = new Command("npm run faults --")
  .description(
    "Breaks everything that Pawl stands on, at random, and checks that nothing was lost.",
  )
  .option("--runs <number>", "how many runs", positiveInteger, 100)
  .option(
    "--seed <number>",
    "of the runs' chances; another one each time when left out",
    positiveInteger,
  )
  .option("--only <fault,…>", faults.map(({ id, name }) => `${id}: ${name}`).join("; "), faultsOf)
  .option("--replay <run>", "one run again: fault/workload/seed, as its failure said", planOf)
  .option("--mutants [number,…]", "hunts seeded bugs, at most so many runs for each", mutantsOf)
  .option("--peers", "what a late completion does in Pawl and its peers, and nothing else")
  .option("--guarantees", "writes docs/guarantees.md from docs/guarantees/*.json, and nothing else")
  .option("--json <file>", "where to write the results")
  .option(
    "--continue <file>",
    "adds what comes of each run to this file, and leaves out the runs that are in it",
  )
  .action(main);
await command.parseAsync();

async function main(options: Options): Promise<void> {
  if (options.peers) return comparePeers(options);
  if (options.guarantees) return writeGuarantees(faults);
  const { runs, seed = randomSeed(), only = faults, replay, json } = options;
  const chosen = replay === undefined ? only : faults.filter(({ id }) => id === replay.fault);
  const missing = chosen.flatMap(({ id, lacking }) => {
    const reason = lacking?.();
    return reason === undefined ? [] : [{ fault: id, reason }];
  });
  const possible = chosen.filter(({ id }) => missing.every(({ fault }) => fault !== id));
  if (options.mutants !== undefined) {
    const list = options.mutants === true ? mutants : options.mutants;
    await huntAll(list, { ...options, faults: possible, runs, seed });
    return;
  }
  const plans =
    replay === undefined
      ? plansOf(possible, { runs, seed })
      : Array.from({ length: runs }, (_, index) => ({ ...replay, number: index + 1 }));
  const title =
    replay === undefined
      ? `${runs} runs with the seed ${seed}`
      : `${runs} runs of ${replay.fault}/${replay.workload}/${replay.seed}`;
  console.log(title);
  const file = new ResultsFile<RunResult>(
    inCallersDirectory(options.continue),
    `${title}, ${idsOf(possible)}`,
  );
  const seen = [...file.earlier];
  const isMade = new Set(seen.map(({ plan }) => plan.number));
  await campaign({
    plans: plans.filter(({ number }) => !isMade.has(number)),
    faults: possible,
    onRun: (result) => {
      seen.push(result);
      file.add(result);
      showRun(result, progressOf(seen, plans.length));
    },
  });
  const report = reportOf(seen, { seed, missing, finishedAt: new Date().toISOString() });
  console.log(`\n${summaryOf(report, faults)}`);
  await writeJson(json, report);
  if (report.passed < report.runs) process.exitCode = 1;
}

async function comparePeers({ json }: Options): Promise<void> {
  const settles: LateSettle[] = [];
  for (const peer of peers) {
    const settle = await lateSettle(peer);
    settles.push(settle);
    console.log(settle);
  }
  await writeJson(json, settles);
}

async function huntAll(
  list: readonly Mutant[],
  options: Pick<Options, "json" | "continue"> & HuntOptions,
): Promise<void> {
  const { runs, seed } = options;
  const title = `hunts of at most ${runs} runs with the seed ${seed}, ${idsOf(options.faults)}`;
  const file = new ResultsFile<Hunt>(inCallersDirectory(options.continue), title);
  const hunts: Hunt[] = [];
  for (const mutant of list) {
    const known = file.earlier.find(({ mutant: number }) => number === mutant.number);
    const found = known ?? (await hunt(mutant, options));
    if (known === undefined) file.add(found);
    hunts.push(found);
    const { runs: needed, fault = "", workload = "", invariant = "", what = "" } = found;
    const how =
      needed === undefined
        ? "NOT FOUND"
        : `${needed} runs: ${fault} with ${workload}, ${invariant}: ${what}`;
    console.log(`${String(mutant.number).padStart(2)} ${mutant.name}: ${how}`);
  }
  const needed = hunts.flatMap(({ runs }) => runs ?? []);
  const mean = needed.reduce((sum, runs) => sum + runs, 0) / Math.max(1, needed.length);
  console.log(
    `${needed.length} of ${hunts.length} found, after ${mean.toFixed(1)} runs in the mean`,
  );
  await writeJson(options.json, { seed, hunts });
  if (needed.length < hunts.length) process.exitCode = 1;
}

function idsOf(chosen: readonly Fault[]): string {
  return chosen.map(({ id }) => id).join(" ");
}

function mutantsOf(given: string): readonly Mutant[] {
  const numbers = given.split(",").map(Number);
  const found = mutants.filter(({ number }) => numbers.includes(number));
  if (found.length === numbers.length) return found;
  throw new InvalidArgumentError(`expected numbers from 1 to ${mutants.length}, got ${given}`);
}

async function writeJson(file: string | undefined, value: unknown): Promise<void> {
  const path = inCallersDirectory(file);
  if (path !== undefined) await writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}

function showRun({ plan, violations, keptIn }: RunResult, progress: string): void {
  const isTerminal = process.stdout.isTTY;
  if (isTerminal) process.stdout.write("\r\u001b[K");
  if (violations.length > 0) {
    const { number: run, ...rest } = plan;
    const failed: FailedRun = { run, ...rest, found: violations, keptIn };
    console.log(failureOf(failed));
  }
  if (isTerminal) process.stdout.write(progress);
  else if (plan.number % 10 === 0) console.log(progress);
}

function randomSeed(): number {
  return Math.floor(Math.random() * 0x7fff_ffff);
}

/** npm starts scripts in the package's own directory, and tells where it was called. */
function inCallersDirectory(file: string | undefined): string | undefined {
  return file && resolve(process.env.INIT_CWD ?? process.cwd(), file);
}

function faultsOf(given: string): readonly Fault[] {
  return given.split(",").map((id) => faultNamed(id.trim()));
}

function faultNamed(given: string): Fault {
  const found = faults.find(({ id }) => id === given);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(
    `expected one of ${faults.map(({ id }) => id).join(", ")}, got ${given}`,
  );
}

function planOf(given: string): Plan {
  const [fault = "", workload = "", seed = ""] = given.split("/");
  const { id, workloads } = faultNamed(fault);
  if (!workloads.includes(workload)) {
    throw new InvalidArgumentError(`expected a workload of ${id}: ${workloads.join(", ")}`);
  }
  return { number: 1, fault: id, workload, seed: positiveInteger(seed) };
}

function positiveInteger(given: string): number {
  if (/^[1-9]\d*$/.test(given)) return Number(given);
  throw new InvalidArgumentError(`expected a positive integer, got ${given}`);
}
