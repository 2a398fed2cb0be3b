import { formatNumber } from "./report/numbers.ts";
import type { TargetOutcome } from "./report/texts.ts";
import type { BenchReport } from "./result.ts";

/** What is aimed at; the texts are those of the report. */
interface Target {
  readonly scenario: string;
  readonly text: string;
  /** Of Pawl: its own figure, or its ratio against a peer. Undefined when it was not measured. */
  readonly figure: (report: BenchReport) => number | undefined;
  readonly limit: number;
  readonly isAtLeast: boolean;
}

const targets: readonly Target[] = [
  atLeast(2.5, "bulk enqueue", "enqueued, batches of 1,000"),
  atLeast(2.5, "bulk enqueue", "enqueued, batches of 10,000"),
  atLeast(8, "single enqueue", "32 callers, outside a transaction"),
  atLeast(2, "single enqueue", "one caller, in a transaction"),
  atLeast(2, "single enqueue", "32 callers, in a transaction"),
  atLeast(2, "single enqueue", "one caller, in a transaction, worker busy"),
  atLeast(2, "single enqueue", "32 callers, in a transaction, worker busy"),
  atLeast(3.5, "drain", "drained, 1 process"),
  atLeast(1.8, "drain", "drained, 1 process", "bullmq-redis"),
  atLeast(1.4, "steady", "run"),
  ownAtLeast(0.95, "held snapshot", "last ÷ first"),
  ownAtMost(250, "held snapshot", "late commits found, p95"),
  ownAtLeast(0.9, "delayed backlog", "beside ÷ without"),
  ownAtLeast(0.9, "backlog depth", "1,000,000 ÷ 100,000"),
  atMost(0.5, "latency", "p50 at 100 jobs/s"),
  {
    scenario: "latency",
    text: "p99 at 100 jobs/s at most graphile-worker's p50",
    figure: (report) => {
      const ours = medianOf(report, { scenario: "latency", metric: "p99 at 100 jobs/s" });
      const theirs = medianOf(report, {
        scenario: "latency",
        metric: "p50 at 100 jobs/s",
        contender: "graphile-worker",
      });
      return ours === undefined || theirs === undefined ? undefined : ours / theirs;
    },
    limit: 1,
    isAtLeast: false,
  },
  atMost(1, "latency", "p50 at 100 jobs/s", "bullmq-postgres"),
  atLeast(0.9, "transactional", "drained, 24 at once"),
  atLeast(0.9, "transactional", "drained, 100 at once"),
  ownAtMost(12_000, "recovery", "until all have run again"),
  ownAtLeast(0.5, "many queues", "1,000 queues ÷ 1 queue"),
  ownAtMost(10, "many queues", "idle poll"),
  ownAtMost(20, "memory", "growth of its memory"),
  ownAtLeast(0.95, "watched", "watched ÷ unwatched"),
];

/** Which targets the report has reached, with its figures. */
export function outcomesOf(report: BenchReport): readonly TargetOutcome[] {
  return targets.map(({ scenario, text, figure, limit, isAtLeast }) => {
    const value = figure(report);
    if (value === undefined) {
      return { scenario, text, measured: "not measured", isReached: undefined };
    }
    const isReached = isAtLeast ? value >= limit : value <= limit;
    return { scenario, text, measured: formatNumber(value), isReached };
  });
}

function atLeast(limit: number, scenario: string, metric: string, peer?: string): Target {
  return against(scenario, metric, { limit, isAtLeast: true, peer });
}

function atMost(limit: number, scenario: string, metric: string, peer?: string): Target {
  return against(scenario, metric, { limit, isAtLeast: false, peer });
}

function ownAtLeast(limit: number, scenario: string, metric: string): Target {
  return own(scenario, metric, { limit, isAtLeast: true });
}

function ownAtMost(limit: number, scenario: string, metric: string): Target {
  return own(scenario, metric, { limit, isAtLeast: false });
}

type Bound = Pick<Target, "limit" | "isAtLeast">;

function own(scenario: string, metric: string, bound: Bound): Target {
  const text = `${metric}: at ${bound.isAtLeast ? "least" : "most"} ${bound.limit}`;
  return { ...bound, scenario, text, figure: (report) => medianOf(report, { scenario, metric }) };
}

function against(
  scenario: string,
  metric: string,
  { peer = "graphile-worker", ...bound }: Bound & { readonly peer: string | undefined },
): Target {
  const bounds = `at ${bound.isAtLeast ? "least" : "most"} ${bound.limit} ×`;
  return {
    ...bound,
    scenario,
    text: `${metric}: ${bounds} ${peer}`,
    figure: ({ ratios }) =>
      ratios.find(
        (ratio) =>
          ratio.scenario === scenario &&
          ratio.metric === metric &&
          ratio.against === peer &&
          ratio.settings === "best",
      )?.median,
  };
}

/** Of Pawl, unless another contender is named; with its best settings. */
function medianOf(
  { results }: BenchReport,
  wanted: { scenario: string; metric: string; contender?: string },
): number | undefined {
  return results.find(
    (result) =>
      result.scenario === wanted.scenario &&
      result.metric === wanted.metric &&
      result.contender === (wanted.contender ?? "pawl") &&
      result.settings === "best",
  )?.median;
}
