import type { BenchReport } from "../result.ts";
import { displayName } from "./metrics.ts";
import { missingList } from "./missing-list.ts";
import { formatNumber } from "./numbers.ts";
import { scenarioSection } from "./scenario-section.ts";
import { toTable } from "./table.ts";
import { scenarioTitle, type ReportTexts, type TargetOutcome } from "./texts.ts";

/** The page `docs/benchmarks.md`; `writeReport` formats it. The parts are what the report was joined from. */
export function toMarkdown(
  report: BenchReport,
  texts: ReportTexts,
  parts: readonly BenchReport[] = [report],
): string {
  const measured = new Set(report.results.map(({ scenario }) => scenario));
  expectTexts(measured, texts);
  return [
    "# Benchmarks",
    introduction(parts, texts),
    "## Machine and versions",
    ...parts.flatMap((part, place) => [
      ...(parts.length > 1 ? [scopeOf(part, { texts, number: place + 1 })] : []),
      machineTable(part),
    ]),
    "## Settings",
    "“best” are the best settings that a contender's documentation names; with “defaults” none were given.",
    settingsTable(texts),
    ...(texts.targets.length === 0 ? [] : ["## Targets", targetsTable(texts)]),
    ...texts.scenarios
      .filter(({ name }) => measured.has(name))
      .map((scenario) => scenarioSection(report, scenario)),
    "## What is missing",
    ...unmeasured(measured, texts),
    missingList(report.missing, texts),
    "",
  ].join("\n\n");
}

function unmeasured(measured: ReadonlySet<string>, { scenarios }: ReportTexts): string[] {
  const titles = scenarios.filter(({ name }) => !measured.has(name)).map(({ title }) => title);
  return titles.length === 0 ? [] : [`Not measured in this run: ${titles.join(", ")}.`];
}

function expectTexts(measured: ReadonlySet<string>, { scenarios }: ReportTexts): void {
  for (const scenario of measured) {
    if (!scenarios.some(({ name }) => name === scenario)) {
      throw new Error(`expected a text for each scenario, got none for "${scenario}"`);
    }
  }
}

function introduction(parts: readonly BenchReport[], texts: ReportTexts): string {
  const names = texts.contenders.map(({ name }) => displayName(name));
  const contenders = listOf(names);
  const repeats = Math.min(...parts.map((part) => part.repeats));
  const rounds = repeats === 1 ? "one round" : `${formatNumber(repeats)} rounds`;
  const isQuick = parts.some((part) => part.isQuick);
  const apart = parts.length === 1 ? "" : `${apartText(parts)} `;
  const warning = "**This was a quick run**: few jobs, whose figures say little.";
  return `${contenders} on one machine: how fast they enqueue and run jobs, and what that costs the server.
Measured on ${listOf([...new Set(parts.map(dayOf))])}, in ${rounds}. ${apart}${isQuick ? warning : ""}

To repeat it, or a part of it, and to write this page from its figures:

\`\`\`sh
npm run bench
npm run bench -- --quick # fewer jobs, one round
npm run bench -- --only drain --against graphile-worker # one scenario, one peer

npm run bench -- --json figures.json
npm run bench -- --report figures.json # or several files, each with scenarios of its own
\`\`\`

- **One at a time.** In each round the contenders ran one after the other, each alone and on a fresh database. A
  figure is the median of the rounds, with the lowest and the highest in parentheses.
- **Every job is checked** to have run exactly once; where a time limit ended the round, at most once. A contender
  whose jobs did not is [told as failed](#what-is-missing), without figures.
- **What is committed is on disk.** PostgreSQL has \`fsync\` and \`synchronous_commit\` on. Redis has its append-only
  file, synced each second: the last second may be lost.
- **Like is compared with like.** “Pawl ÷ peer” divides the figures of the same round and the same settings, pair by
  pair. A loss is told as openly as a win.`;
}

function apartText(parts: readonly BenchReport[]): string {
  return `The scenarios were measured in ${formatNumber(parts.length)} runs, each on a machine
of its own; whatever is compared here was measured in the same one.`;
}

/** "Run 1, 2026-01-31: Draining, Latency" */
function scopeOf(
  part: BenchReport,
  { texts: { scenarios }, number }: { readonly texts: ReportTexts; readonly number: number },
): string {
  const measured = new Set(part.results.map(({ scenario }) => scenario));
  const titles = scenarios.filter(({ name }) => measured.has(name)).map(({ title }) => title);
  return `**Run ${formatNumber(number)}**, ${dayOf(part)}: ${listOf(titles)}`;
}

function dayOf({ startedAt }: BenchReport): string {
  return startedAt.slice(0, 10);
}

function listOf(words: readonly string[]): string {
  return new Intl.ListFormat("en-GB").format(words);
}

function machineTable({ machine, versions, serverSettings }: BenchReport): string {
  const rows = [
    ["processor", machine.processor],
    ["cores", formatNumber(machine.cores)],
    ["memory", `${formatNumber(machine.memoryGiB)} GiB`],
    ["kernel", machine.kernel],
    ["one fsync of 8 KiB (median)", `${formatNumber(machine.fsyncMs)} ms`],
    ...Object.entries(versions).map(([name, version]) => [displayName(name), version]),
    ...Object.entries(serverSettings).map(([name, settings]) => [
      `settings of ${displayName(name)}`,
      settings,
    ]),
  ];
  return toTable([{ title: "part" }, { title: "what it was" }], rows);
}

function settingsTable({ contenders }: ReportTexts): string {
  return toTable(
    [{ title: "contender" }, { title: "best" }, { title: "defaults" }],
    contenders.map(({ name, settings }) => [displayName(name), settings.best, settings.defaults]),
  );
}

function targetsTable(texts: ReportTexts): string {
  return toTable(
    [{ title: "scenario" }, { title: "target" }, { title: "measured" }, { title: "reached" }],
    texts.targets.map((target) => [
      scenarioTitle(target.scenario, texts),
      target.text,
      target.measured,
      outcomeOf(target),
    ]),
  );
}

function outcomeOf({ isReached }: TargetOutcome): string {
  if (isReached === undefined) return "not measured";
  return isReached ? "yes" : "**no**";
}
