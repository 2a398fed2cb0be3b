import type { Contender, Settings } from "./contenders/contender.ts";
import { describeMachine, describeVersions } from "./machine.ts";
import { Measurement } from "./measurement.ts";
import { ratiosOf } from "./report/ratios.ts";
import type { BenchReport, Missing } from "./result.ts";
import { Results } from "./results.ts";
import type { Figure, Scenario } from "./scenarios/scenario.ts";
import { Servers } from "./servers/servers.ts";

export interface BenchOptions {
  readonly scenarios: readonly Scenario[];
  readonly contenders: readonly Contender[];
  readonly settings: readonly Settings[];
  readonly repeats: number;
  readonly isQuick: boolean;
  /** What an earlier run had measured when it ended too soon: its scenarios are not run again. */
  readonly earlier: BenchReport | undefined;
}

interface Told {
  readonly line: (text: string) => void;
  /** Given what there is after each scenario. */
  readonly report: (report: BenchReport) => Promise<void>;
}

interface Entrant {
  readonly contender: Contender;
  readonly settings: Settings;
}

interface Bench {
  readonly options: BenchOptions;
  readonly servers: Servers;
  readonly results: Results;
  readonly missing: Missing[];
  readonly tell: (line: string) => void;
}

const ownPeer = "graphile-worker";
const onlyBest = "it is run with the best settings only; drain and latency have the defaults, too";
const onlyPawl = "its targets are Pawl's own, so with --quick it is run for Pawl alone";
const onlyOwnPeer = `its targets are Pawl's own, so it is run for Pawl and ${ownPeer} alone`;

/** Runs the scenarios, the contenders in turn (A B A B …), each on a fresh database. */
export async function runBench(options: BenchOptions, tell: Told): Promise<BenchReport> {
  const { earlier } = options;
  const servers = await Servers.start();
  try {
    const empty = emptyReport(options, servers);
    if (earlier !== undefined) checkSame(earlier, empty);
    const done = new Set(earlier?.results.map(({ scenario }) => scenario));
    let report = earlier ?? empty;
    report = { ...report, missing: report.missing.filter(({ scenario }) => done.has(scenario)) };
    for (const scenario of options.scenarios.filter(({ name }) => !done.has(name))) {
      const bench = { options, servers, results: new Results(), missing: [], tell: tell.line };
      await runScenario(bench, scenario);
      const results = [...report.results, ...bench.results.all()];
      const missing = [...report.missing, ...bench.missing];
      report = { ...report, results, missing, ratios: ratiosOf(results) };
      await tell.report(report);
    }
    return report;
  } finally {
    await servers.stop();
  }
}

function emptyReport({ repeats, isQuick }: BenchOptions, servers: Servers): BenchReport {
  return {
    machine: describeMachine(),
    versions: describeVersions(servers),
    serverSettings: servers.settings,
    startedAt: new Date().toISOString(),
    repeats,
    isQuick,
    results: [],
    ratios: [],
    missing: [],
  };
}

/** What was measured elsewhere, or of something else, does not belong into the same table. */
function checkSame(earlier: BenchReport, now: BenchReport): void {
  const facts = ({ machine, versions, serverSettings, repeats, isQuick }: BenchReport): string =>
    JSON.stringify({ ...machine, fsyncMs: 0, versions, serverSettings, repeats, isQuick });
  if (facts(earlier) === facts(now)) return;
  throw new Error(`expected to go on with ${facts(now)}, got ${facts(earlier)}; begin a new file`);
}

async function runScenario(bench: Bench, scenario: Scenario): Promise<void> {
  let entrants = entrantsOf(bench, scenario);
  for (let round = 1; round <= bench.options.repeats; round += 1) {
    const failed = new Set<Entrant>();
    for (const entrant of entrants) {
      const hasSucceeded = await runRound(bench, scenario, { entrant, round });
      if (!hasSucceeded) failed.add(entrant);
    }
    entrants = entrants.filter((entrant) => !failed.has(entrant));
  }
}

/** Who can take part; who cannot is told as missing. */
function entrantsOf({ options, servers, missing }: Bench, scenario: Scenario): readonly Entrant[] {
  const all = options.contenders.flatMap((contender) =>
    options.settings.map((settings) => ({ contender, settings })),
  );
  return all.filter(({ contender, settings }) => {
    const reason =
      servers.missing(contender.server) ??
      (scenario.needs && contender.lacks[scenario.needs]) ??
      scenario.lacking?.(contender) ??
      (settings === "defaults" && !scenario.hasDefaults ? onlyBest : undefined) ??
      (scenario.isOwn ? leftOut(contender.name, options.isQuick) : undefined);
    if (reason === undefined) return true;
    missing.push(missed(scenario, { contender, settings }, { reason, isFailure: false }));
    return false;
  });
}

/** Why the peer is left out of a scenario that compares Pawl with itself. */
function leftOut(name: string, isQuick: boolean): string | undefined {
  if (name === "pawl") return undefined;
  if (isQuick) return onlyPawl;
  return name === ownPeer ? undefined : onlyOwnPeer;
}

/** Returns whether it succeeded; one that failed is told as missing, with nothing of its other rounds. */
async function runRound(
  { options, servers, results, missing, tell }: Bench,
  scenario: Scenario,
  { entrant, round }: { entrant: Entrant; round: number },
): Promise<boolean> {
  const measurement = new Measurement({
    ...entrant,
    isQuick: options.isQuick,
    server: servers.of(entrant.contender.server),
    effectsUrl: await servers.effectsUrlFor(entrant.contender.server),
  });
  const name = `${scenario.name}, round ${round}, ${entrant.contender.name} (${entrant.settings})`;
  try {
    const figures = await scenario.measure(measurement);
    results.add(scenario, entrant, figures);
    tell(
      `${name}: ${figures
        .filter(({ better }) => better !== undefined)
        .map(inShort)
        .join("; ")}`,
    );
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    results.remove(scenario, entrant);
    missing.push(missed(scenario, entrant, { reason, isFailure: true }));
    tell(`${name}: FAILED: ${reason}`);
    return false;
  } finally {
    await measurement.close();
  }
}

function missed(
  { name: scenario }: Scenario,
  { contender, settings }: Entrant,
  why: Pick<Missing, "reason" | "isFailure">,
): Missing {
  return { scenario, contender: contender.name, settings, ...why };
}

function inShort({ metric, value, unit }: Figure): string {
  const digits = value < 100 ? 2 : 0;
  return `${metric} ${value.toFixed(digits)}${unit === "" ? "" : ` ${unit}`}`;
}
