import { describe, expect, it } from "vitest";
import { formatFactor, formatNumber, formatSpread } from "../src/report/numbers.ts";
import { joinReports } from "../src/report/join-reports.ts";
import { toMarkdown } from "../src/report/markdown.ts";
import { toSvg } from "../src/report/plot.ts";
import { ratiosOf, spreadOf } from "../src/report/ratios.ts";
import type { ReportTexts } from "../src/report/texts.ts";
import type { BenchReport, Missing, Result } from "../src/result.ts";

function costOf(contender: string, runs: number[], given: Partial<Result> = {}): Result {
  return {
    scenario: "drain",
    contender,
    settings: "best",
    metric: "WAL",
    unit: "bytes per job",
    ...spreadOf(runs),
    runs,
    ...given,
  };
}

function resultOf(contender: string, runs: number[], given: Partial<Result> = {}): Result {
  const compared = { metric: "drain rate", unit: "jobs/s", better: "higher" } as const;
  return costOf(contender, runs, { ...compared, ...given });
}

function missingOf(given: Partial<Missing>): Missing {
  const place = { scenario: "drain", contender: "peer", settings: "best" } as const;
  return { ...place, reason: "no Redis", isFailure: false, ...given };
}

function reportOf(results: Result[], missing: Missing[] = []): BenchReport {
  return {
    machine: { processor: "a processor", cores: 2, memoryGiB: 8, kernel: "6.1", fsyncMs: 1.234 },
    serverSettings: { postgres: "fsync = on" },
    versions: { PostgreSQL: "18.4", pawl: "0.1.0" },
    startedAt: "2026-01-02T03:04:05.000Z",
    repeats: 3,
    isQuick: false,
    results,
    ratios: ratiosOf(results),
    missing,
  };
}

const texts: ReportTexts = {
  scenarios: [
    { name: "drain", title: "Draining", description: "A backlog is run." },
    { name: "latency", title: "Latency", description: "One job at a time." },
  ],
  contenders: [
    { name: "pawl", settings: { best: "batches of 100", defaults: "none" } },
    { name: "peer", settings: { best: "ten | twenty", defaults: "none" } },
  ],
  targets: [
    { scenario: "drain", text: "twice the peer", measured: "2.3 times", isReached: true },
    { scenario: "drain", text: "40,000 jobs/s", measured: "23,000 jobs/s", isReached: false },
    { scenario: "latency", text: "under 5 ms", measured: "", isReached: undefined },
  ],
};

describe("spreadOf", () => {
  it.each([
    [[5], { median: 5, min: 5, max: 5 }],
    [[10, 9, 1], { median: 9, min: 1, max: 10 }],
    [[4, 1, 2, 9], { median: 3, min: 1, max: 9 }],
  ])("of %j", (runs, spread) => {
    expect(spreadOf(runs)).toEqual(spread);
  });

  it("refuses no runs", () => {
    expect(() => spreadOf([])).toThrow("expected the runs to be at least one, got none");
  });
});

describe("ratiosOf", () => {
  it("divides round by round", () => {
    const results = [resultOf("pawl", [20, 30, 80]), resultOf("peer", [10, 30, 20])];

    expect(ratiosOf(results)).toEqual([
      {
        scenario: "drain",
        metric: "drain rate",
        against: "peer",
        settings: "best",
        median: 2,
        min: 1,
        max: 4,
      },
    ]);
  });

  it.each([
    ["rounds in which the peer has 0", [1, 2], [0, 1]],
    ["rounds in which Pawl is not finite", [Infinity, 2], [1, 1]],
    ["rounds in which the peer is not finite", [1, 2], [Infinity, 1]],
    ["rounds that the peer does not have", [2, 5], [1]],
  ])("leaves out %s", (_what, own, peer) => {
    const [ratio] = ratiosOf([resultOf("pawl", own), resultOf("peer", peer)]);

    expect(ratio).toMatchObject({ median: 2, min: 2, max: 2 });
  });

  it("keeps rounds in which Pawl has 0", () => {
    const [ratio] = ratiosOf([resultOf("pawl", [0, 1]), resultOf("peer", [1, 1])]);

    expect(ratio).toMatchObject({ median: 0.5, min: 0, max: 1 });
  });

  it.each([
    ["other settings", [resultOf("pawl", [1]), resultOf("peer", [1], { settings: "defaults" })]],
    ["another metric", [resultOf("pawl", [1]), resultOf("peer", [1], { metric: "latency" })]],
    ["another scenario", [resultOf("pawl", [1]), resultOf("peer", [1], { scenario: "latency" })]],
    ["peers among themselves", [resultOf("peer", [1]), resultOf("another", [1])]],
    ["what is not compared", [costOf("pawl", [1]), costOf("peer", [1])]],
    ["a peer that has only 0", [resultOf("pawl", [1]), resultOf("peer", [0])]],
  ])("has none for %s", (_what, results) => {
    expect(ratiosOf(results)).toEqual([]);
  });
});

describe("numbers", () => {
  it.each([
    [0, "0"],
    [0.0012345, "0.00123"],
    [1.2345, "1.23"],
    [12, "12"],
    [12.345, "12.3"],
    [99.99, "100"],
    [123.4, "123"],
    [1234567.8, "1,234,568"],
    [-1234, "-1,234"],
    [Number.NaN, "–"],
    [Infinity, "–"],
  ])("writes %d as %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it.each([
    [0.00123, "0.0012"],
    [0.704, "0.7"],
    [0.963, "0.96"],
    [0.996, "1"],
    [1.004, "1"],
    [1.036, "1.04"],
    [45.67, "45.7"],
    [252.4, "252"],
  ])("writes %d times as %s", (value, text) => {
    expect(formatFactor(value)).toBe(text);
  });

  it("writes the range beside the median", () => {
    expect(formatSpread({ median: 12.34, min: 9, max: 1500 })).toBe("12.3 (9–1,500)");
  });

  it("writes no range where there is none", () => {
    expect(formatSpread({ median: 12.34, min: 12.34, max: 12.34 })).toBe("12.3");
  });
});

describe("toMarkdown", () => {
  const rate = { unit: "jobs/s", better: "higher" } as const;
  const time = { unit: "ms", better: "lower" } as const;
  const rows = { unit: "rows", better: "lower" } as const;
  const share = { unit: "%", better: "higher" } as const;

  it.each([
    { given: rate, own: [23], peer: [10], words: "Pawl 2.3 times as fast" },
    { given: rate, own: [7], peer: [10], words: "Pawl 0.7 times as fast: slower" },
    { given: rate, own: [10.01], peer: [10], words: "Pawl just as fast" },
    { given: time, own: [2], peer: [5], words: "Pawl 2.5 times as fast" },
    { given: time, own: [5], peer: [4], words: "Pawl 0.8 times as fast: slower" },
    { given: time, own: [0], peer: [4], words: "Pawl 0 times as much: better" },
    { given: rows, own: [1], peer: [4], words: "Pawl 0.25 times as much: better" },
    { given: rows, own: [6], peer: [4], words: "Pawl 1.5 times as much: worse" },
    { given: share, own: [30], peer: [60], words: "Pawl 0.5 times as much: worse" },
  ])("tells $own beside $peer $given.unit as: $words", ({ given, own, peer, words }) => {
    const results = [resultOf("pawl", own, given), resultOf("peer", peer, given)];

    expect(toMarkdown(reportOf(results), texts)).toContain(`| ${words} |`);
  });

  it.each([
    { runs: [2, 2, 0.5], words: "Pawl 2 times as fast, but not in every round" },
    { runs: [0.5, 0.5, 2], words: "Pawl 0.5 times as fast: slower, but not in every round" },
  ])("tells $runs beside 1 as: $words", ({ runs, words }) => {
    const results = [resultOf("pawl", runs), resultOf("peer", [1, 1, 1])];

    expect(toMarkdown(reportOf(results), texts)).toContain(`| ${words} |`);
  });

  it("puts like settings beside each other, Pawl first", () => {
    const results = [
      resultOf("peer", [1], { settings: "defaults" }),
      resultOf("peer", [2]),
      resultOf("pawl", [3], { settings: "defaults" }),
      resultOf("pawl", [4]),
    ];

    const rows = toMarkdown(reportOf(results), texts).match(/(?:Pawl|peer), \w+/g);

    expect(rows).toEqual(["Pawl, best", "peer, best", "Pawl, defaults", "peer, defaults"]);
  });

  it("tells what it cost in a table of its own, without comparing", () => {
    const page = toMarkdown(reportOf([costOf("pawl", [900]), costOf("peer", [1800])]), texts);

    expect(page).toContain("| contender | WAL (bytes per job) |\n| --- | --: |");
    expect(page).toContain("| peer, best | 1,800 |");
    expect(page).not.toContain("![");
  });

  it("tells the costs of variants in a table each", () => {
    const results = [
      costOf("pawl", [900], { metric: "WAL, one process" }),
      costOf("pawl", [990], { metric: "WAL, four processes" }),
    ];

    const page = toMarkdown(reportOf(results), texts);

    expect(page).toMatch(/What it cost, one process \(medians\):\n\n\| contender \| WAL \(bytes/);
    expect(page).toMatch(/What it cost, four processes \(medians\):\n\n\| contender \| WAL \(/);
  });

  it("tells which targets were reached", () => {
    const page = toMarkdown(reportOf([]), texts);

    expect(page).toContain("| Draining | twice the peer | 2.3 times | yes |");
    expect(page).toContain("| Draining | 40,000 jobs/s | 23,000 jobs/s | **no** |");
    expect(page).toContain("| Latency | under 5 ms |  | not measured |");
  });

  it("names the scenarios that were not measured", () => {
    const page = toMarkdown(reportOf([resultOf("pawl", [1])]), texts);

    expect(page).toContain("Not measured in this run: Latency.");
  });

  it("lists what is missing once for each reason", () => {
    const page = toMarkdown(
      reportOf(
        [],
        [
          missingOf({ settings: "best" }),
          missingOf({ settings: "defaults" }),
          missingOf({ scenario: "latency" }),
        ],
      ),
      texts,
    );

    expect(page).toContain(
      "- peer did not take part in Draining (best, defaults), Latency (best): no Redis\n",
    );
  });

  it("tells a failure as one", () => {
    const failure = missingOf({ isFailure: true, reason: "a job\nran twice" });

    const page = toMarkdown(reportOf([], [failure]), texts);

    expect(page).toContain("- peer **failed** in Draining (best): a job ran twice\n");
  });

  it("says so when the run was a quick one", () => {
    const page = toMarkdown({ ...reportOf([]), isQuick: true }, texts);

    expect(page).toContain("**This was a quick run**");
  });

  it("keeps the cells of a table apart", () => {
    expect(toMarkdown(reportOf([]), texts)).toContain("| peer | ten \\| twenty | none |");
  });

  it("refuses figures that it has no text for", () => {
    const report = reportOf([resultOf("pawl", [1], { scenario: "unknown" })]);

    expect(() => toMarkdown(report, texts)).toThrow('got none for "unknown"');
  });
});

describe("joinReports", () => {
  const drained = reportOf([resultOf("pawl", [1]), resultOf("peer", [2])], [missingOf({})]);
  const late = {
    ...reportOf([resultOf("pawl", [3], { scenario: "latency" })]),
    machine: { ...drained.machine, processor: "another processor" },
    startedAt: "2026-01-03T03:04:05.000Z",
  };

  it("has the figures of all", () => {
    const { results, ratios, missing } = joinReports([drained, late]);

    expect(results).toEqual([...drained.results, ...late.results]);
    expect(ratios).toEqual(drained.ratios);
    expect(missing).toEqual(drained.missing);
  });

  it("refuses a scenario that two have measured", () => {
    expect(() => joinReports([drained, drained])).toThrow('got "drain" in two');
  });

  it("leaves it to the page to say what was measured where", () => {
    const page = toMarkdown(joinReports([drained, late]), texts, [drained, late]);

    expect(page).toContain("Measured on 2026-01-02 and 2026-01-03, in 3 rounds.");
    expect(page).toContain("**Run 1**, 2026-01-02: Draining");
    expect(page).toContain("**Run 2**, 2026-01-03: Latency");
    expect(page).toContain("| processor | another processor |");
  });
});

describe("toSvg", () => {
  const report = reportOf([
    resultOf("pawl", [20_000, 30_000, 40_000]),
    resultOf("a <peer>", [10_000, 10_000, 11_000]),
    costOf("pawl", [900]),
    resultOf("pawl", [1.5], { metric: "latency", unit: "ms", better: "lower" }),
    costOf("pawl", [900], { scenario: "only a cost" }),
  ]);

  it("draws the same picture each time", () => {
    expect(toSvg(report, "drain")).toBe(toSvg(report, "drain"));
  });

  it.each([
    ["drain rate"],
    ["jobs/s, more is better"],
    ["ms, less is better"],
    ["Pawl, best"],
    ["a &lt;peer&gt;, best"],
    ["30,000"],
  ])("writes %s", (text) => {
    expect(toSvg(report, "drain")).toContain(`>${text}</text>`);
  });

  it("has a white ground", () => {
    expect(toSvg(report, "drain")).toMatch(/<rect [^>]*x="0" y="0" fill="#ffffff">/);
  });

  it.each([["only a cost"], ["unknown"]])("draws nothing for %s", (scenario) => {
    expect(toSvg(report, scenario)).toBeUndefined();
  });
});
