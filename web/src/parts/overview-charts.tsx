import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Percentiles, Sample } from "../../../src/dashboard/api.ts";
import type { OutcomeName } from "../../../src/core/states.ts";
import { formatDuration } from "../format.ts";
import { outcomes } from "../states.ts";
import { Chart, type Line } from "./chart.tsx";

// These are told even when they are nowhere: that nothing failed is news as well.
const alwaysShown: readonly OutcomeName[] = ["succeeded", "failed"];

/** How many attempts ended in each second, by outcome. */
export function ThroughputChart({ series }: { readonly series: readonly Sample[] }): VNode {
  const { times, lines } = useMemo(() => {
    const shown = outcomes.filter(
      (outcome) =>
        alwaysShown.includes(outcome) || series.some(({ perSecond }) => perSecond[outcome]),
    );
    return {
      times: timesOf(series),
      lines: shown.map((outcome): Line => ({
        label: outcome,
        token: outcome,
        values: series.map(({ perSecond }) => perSecond[outcome] ?? 0),
      })),
    };
  }, [series]);
  return (
    <Chart
      times={times}
      lines={lines}
      format={formatRate}
      label="Attempts ended in each second, by outcome, over the last 15 minutes"
    />
  );
}

/** How long jobs waited and ran. */
export function LatencyChart({ series }: { readonly series: readonly Sample[] }): VNode {
  const { times, lines } = useMemo(
    () => ({
      times: timesOf(series),
      lines: [
        latency("wait p50", "ready", series, ({ waitMs }) => waitMs?.p50),
        { ...latency("wait p95", "ready", series, ({ waitMs }) => waitMs?.p95), isDashed: true },
        latency("run p50", "running", series, ({ runMs }) => runMs?.p50),
        { ...latency("run p95", "running", series, ({ runMs }) => runMs?.p95), isDashed: true },
      ],
    }),
    [series],
  );
  return (
    <Chart
      times={times}
      lines={lines}
      format={formatDuration}
      label="How long jobs waited and ran, over the last 15 minutes"
    />
  );
}

function latency(
  label: string,
  token: string,
  series: readonly Sample[],
  pick: (sample: Sample) => Percentiles["p50"] | undefined,
): Line {
  return { label, token, values: series.map((sample) => pick(sample) ?? null) };
}

function timesOf(series: readonly Sample[]): number[] {
  return series.map(({ at }) => Date.parse(at) / 1_000);
}

function formatRate(perSecond: number): string {
  return perSecond >= 10
    ? Math.round(perSecond).toLocaleString("en")
    : String(Number(perSecond.toFixed(2)));
}
