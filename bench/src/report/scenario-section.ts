import type { BenchReport, Result } from "../result.ts";
import {
  comparedMetrics,
  costMetrics,
  inOrder,
  labelOf,
  scaleOf,
  type ComparedMetric,
  type Metric,
} from "./metrics.ts";
import { formatNumber, formatSpread } from "./numbers.ts";
import { ownName } from "./ratios.ts";
import { toTable, type Column } from "./table.ts";
import type { ScenarioText } from "./texts.ts";
import { verdictOf } from "./verdict.ts";

/** What a scenario does, its plot, what was compared and what it cost. */
export function scenarioSection(report: BenchReport, scenario: ScenarioText): string {
  const results = report.results.filter((result) => result.scenario === scenario.name);
  const compared = comparedMetrics(results);
  return [
    `## ${scenario.title}`,
    scenario.description,
    ...(compared.length === 0 ? [] : [plotLink(scenario), comparedTable(report, compared)]),
    ...costTables(costMetrics(results)),
  ].join("\n\n");
}

/** The name of the scenario's plot, in the folder `docs/benchmarks`. */
export function plotName(scenario: string): string {
  const slug = scenario
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
  return `${slug}.svg`;
}

function plotLink({ name, title }: ScenarioText): string {
  return `![${title}: the medians of all contenders, with lowest and highest round](benchmarks/${plotName(name)})`;
}

function comparedTable(report: BenchReport, metrics: readonly ComparedMetric[]): string {
  return toTable(
    [
      { title: "metric" },
      { title: "contender" },
      { title: "median (min–max)", align: "right" },
      { title: "Pawl ÷ peer", align: "right" },
      { title: "in words" },
    ],
    metrics.flatMap((metric) =>
      metric.results.map((result, index) => [
        index === 0 ? `${metric.name} (${scaleOf(metric)})` : "",
        contenderCell(result),
        formatSpread(result),
        ...comparisonCells(report, result, metric),
      ]),
    ),
  );
}

function contenderCell(result: Result): string {
  return result.contender === ownName ? `**${labelOf(result)}**` : labelOf(result);
}

function comparisonCells(report: BenchReport, result: Result, metric: ComparedMetric): string[] {
  const ratio = report.ratios.find(
    ({ scenario, metric, against, settings }) =>
      scenario === result.scenario &&
      metric === result.metric &&
      against === result.contender &&
      settings === result.settings,
  );
  return ratio === undefined ? ["", ""] : [formatSpread(ratio), verdictOf(ratio, metric)];
}

function costTables(metrics: readonly Metric[]): string[] {
  const variants = new Set(metrics.map(({ name }) => splitName(name).variant));
  return [...variants].flatMap((variant) => {
    const title = variant === "" ? "What it cost" : `What it cost, ${variant}`;
    const own = metrics.filter(({ name }) => splitName(name).variant === variant);
    return [`${title} (medians):`, costTable(own)];
  });
}

/** A scenario that measures the same of several variants calls it "server CPU, 1 process", "server CPU, 4 processes". */
function splitName(name: string): { base: string; variant: string } {
  const [base = "", ...rest] = name.split(", ");
  return { base, variant: rest.join(", ") };
}

function costTable(metrics: readonly Metric[]): string {
  const labels = new Set(inOrder(metrics.flatMap(({ results }) => results)).map(contenderCell));
  return toTable(
    [{ title: "contender" }, ...metrics.map(costColumn)],
    [...labels].map((label) => [label, ...metrics.map((metric) => costCell(metric, label))]),
  );
}

function costColumn({ name, unit }: Metric): Column {
  const { base } = splitName(name);
  return { title: unit === "" ? base : `${base} (${unit})`, align: "right" };
}

function costCell({ results }: Metric, label: string): string {
  const result = results.find((candidate) => contenderCell(candidate) === label);
  return result === undefined ? "" : formatNumber(result.median);
}
