import { leaseMs, queryTimeoutMs } from "../lease.ts";
import type { Fault } from "../faults/fault.ts";
import type { Hunt } from "../mutants/hunt.ts";
import type { LateSettle } from "../peers/late-settle.ts";
import { promises, type Kept } from "./promises.ts";
import type { CampaignReport, Cell, Spread } from "./report.ts";

/** What `--json` has written: of a campaign, of a hunt for seeded bugs, and of the peers. */
export interface Evidence {
  readonly campaign: CampaignReport;
  readonly hunted: { readonly seed: number; readonly hunts: readonly Hunt[] };
  readonly peers: readonly LateSettle[];
}

// So often would as many clean runs come about by chance.
const byChance = 0.05;

/** The page of guarantees, from its template. Throws when the evidence does not bear it. */
export function guaranteesOf(
  template: string,
  { campaign, hunted, peers }: Evidence,
  faults: readonly Fault[],
): string {
  if (campaign.passed < campaign.runs) {
    throw new Error(`expected a campaign without violations, got ${campaign.violations.length}`);
  }
  expectWithin("recoveryMs", campaign.recoveryMs, leaseMs + 2_000);
  expectWithin("pickUpMs", campaign.pickUpMs, 2_000);
  const needed = hunted.hunts.flatMap(({ runs }) => runs ?? []);
  const values: Readonly<Record<string, string>> = {
    ...numbersOf(campaign),
    when: campaign.finishedAt.slice(0, 10),
    seed: String(campaign.seed),
    runCount: String(campaign.runs),
    share: `${((1 - byChance ** (1 / campaign.runs)) * 100).toPrecision(1)} %`,
    promises: promisesOf(campaign.cells),
    faults: faultsOf(campaign, faults),
    times: timesOf(campaign),
    huntSeed: String(hunted.seed),
    found: String(needed.length),
    hunted: String(hunted.hunts.length),
    meanRuns: (needed.reduce((sum, runs) => sum + runs, 0) / needed.length).toFixed(0),
    mostRuns: String(Math.max(...needed)),
    mutants: mutantsOf(hunted.hunts),
    peers: peersOf(peers),
  };
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`expected a value for {{${name}}}, got none`);
    return value;
  });
}

function expectWithin(name: string, { p95 }: Spread, mostMs: number): void {
  if ((p95 ?? 0) <= mostMs) return;
  throw new Error(`expected ${name} with a p95 of at most ${mostMs} ms, got ${String(p95)} ms`);
}

function numbersOf(campaign: CampaignReport): Readonly<Record<string, string>> {
  const numbers = Object.entries(campaign).filter(([, value]) => typeof value === "number");
  return Object.fromEntries(numbers.map(([name, value]) => [name, shown(Number(value))]));
}

function promisesOf(cells: readonly Cell[]): string {
  const rows = promises.map(({ promise, invariant, ...kept }) => {
    const runs = sumOf(cells.filter((cell) => isTested(cell, kept)).map((cell) => cell.runs));
    return [promise, invariant, placesOf(kept), shown(runs)];
  });
  return table(["promise", "what the checker holds it to", "put to the test by", "runs"], rows);
}

function isTested({ fault, workload }: Cell, { faults, workloads }: Kept): boolean {
  return (faults?.includes(fault) ?? true) && (workloads?.includes(workload) ?? true);
}

function placesOf({ faults, workloads }: Kept): string {
  const trouble = faults?.join(", ") ?? "all faults";
  return workloads === undefined ? trouble : `${trouble}; with the jobs: ${workloads.join(", ")}`;
}

function faultsOf({ cells, missing }: CampaignReport, faults: readonly Fault[]): string {
  const rows = faults.map(({ id, name, what }) => {
    const own = cells.filter(({ fault }) => fault === id);
    const lacking = missing.find(({ fault }) => fault === id);
    const workloads = own.map(({ workload, runs }) => `${workload} ${runs}`).join(", ");
    return [
      ...[id, `${name}: ${what}`, lacking === undefined ? workloads : `not run: ${lacking.reason}`],
      ...[shown(sumOf(own.map(({ runs }) => runs))), shown(sumOf(own.map((c) => c.violations)))],
    ];
  });
  return table(["fault", "what happens", "jobs, and runs with them", "runs", "violations"], rows);
}

function timesOf(campaign: CampaignReport): string {
  const row = (what: string, { p50, p95, max }: Spread): string[] => [
    what,
    ...[p50, p95, max].map((ms) => (ms === null ? "" : `${(ms / 1_000).toFixed(2)} s`)),
  ];
  const lease = `${leaseMs / 1_000} s`;
  return table(
    ["time", "median", "95 of 100 within", "longest"],
    [
      row(
        `from the kill of a worker until the last of its jobs has started again; the lease is ${lease}`,
        campaign.recoveryMs,
      ),
      row(
        "the same without the jobs `leases` and `crashers`, which wait for keys that are held for up to three leases, for " +
          "workers whose event loop is blocked, or for workers that die again",
        campaign.promptRecoveryMs,
      ),
      row(
        "from the return of a database that was down or was replaced until the next handler starts",
        campaign.pickUpMs,
      ),
      row(
        "the same after another outage; a connection that has become silent is given up after " +
          `${queryTimeoutMs / 1_000} s`,
        campaign.otherPickUpMs,
      ),
    ],
  );
}

function mutantsOf(hunts: readonly Hunt[]): string {
  const rows = hunts.map(({ mutant, name, runs, fault, workload, invariant }) => [
    ...[String(mutant), name, runs === undefined ? "**not found**" : shown(runs)],
    runs === undefined ? "" : `${fault ?? ""} with ${workload ?? ""}: ${invariant ?? ""}`,
  ]);
  return table(["number", "seeded bug", "runs until it was found", "by"], rows);
}

function peersOf(peers: readonly LateSettle[]): string {
  const heads = ["system", "the first hold ends by", "before", "after the late completion"];
  return table(
    [...heads, "tried again after the failure", "in the end"],
    peers.map(({ peer, version, expiry, before, after, isTriedAgain, end }) => [
      ...[`${peer} ${version}`, expiry, before, after, isTriedAgain ? "yes" : "**no**", end],
    ]),
  );
}

// A table in Markdown.
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

function shown(number: number): string {
  return number.toLocaleString("en-US");
}
