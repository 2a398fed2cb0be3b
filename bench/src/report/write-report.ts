import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as prettier from "prettier";
import type { BenchReport } from "../result.ts";
import { toMarkdown } from "./markdown.ts";
import { toSvg } from "./plot.ts";
import { plotName } from "./scenario-section.ts";
import { joinReports } from "./join-reports.ts";
import type { ReportTexts } from "./texts.ts";

/** How the lines of the documentation are broken. */
const prose = { proseWrap: "always", printWidth: 118 } as const;

/**
 * Writes `docs/benchmarks.md` and its plots from the parts of a report; plots of scenarios that were not measured are
 * removed.
 */
export async function writeReport(
  parts: readonly BenchReport[],
  texts: ReportTexts,
  repository: string,
): Promise<void> {
  const page = join(repository, "docs", "benchmarks.md");
  const folder = join(repository, "docs", "benchmarks");
  const report = joinReports(parts);
  const markdown = await format(toMarkdown(report, texts, parts), page);
  const plots = plotsOf(report);
  await mkdir(folder, { recursive: true });
  await removePlots(folder, plots);
  for (const [name, svg] of plots) await writeFile(join(folder, name), svg);
  await writeFile(page, markdown);
}

async function format(text: string, path: string): Promise<string> {
  const options = await prettier.resolveConfig(path);
  return prettier.format(text, { ...options, filepath: path, ...prose });
}

function plotsOf(report: BenchReport): Map<string, string> {
  const plots = new Map<string, string>();
  for (const scenario of new Set(report.results.map(({ scenario }) => scenario))) {
    const svg = toSvg(report, scenario);
    if (svg !== undefined) plots.set(plotName(scenario), svg);
  }
  return plots;
}

async function removePlots(folder: string, kept: ReadonlyMap<string, string>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.endsWith(".svg") && !kept.has(name)) await rm(join(folder, name));
  }
}
