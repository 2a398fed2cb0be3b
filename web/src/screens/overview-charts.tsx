import { useMemo } from "preact/hooks";
import type { Overview, Sample } from "../../../src/dashboard/api.ts";
import type { OutcomeName } from "../../../src/core/states.ts";
import { formatDuration, formatRate } from "../format.ts";
import { Chart, type Line } from "../parts/chart.tsx";

const alwaysShown: readonly OutcomeName[] = ["succeeded", "failed"];
const outcomes: readonly OutcomeName[] = [
  "succeeded",
  "failed",
  "partial",
  "snoozed",
  "rate-limited",
  "cancelled",
  "released",
  "crashed",
];

/** How the last minutes went: how much ended and how, for how long it waited and for how long it ran. */
export function Charts({ now }: { readonly now: Overview | undefined }) {
  const series = now?.series;
  const { times, throughput, waits, runs } = useMemo(() => {
    const samples = series ?? [];
    return {
      times: samples.map(({ at }) => Date.parse(at) / 1_000),
      throughput: throughputOf(samples),
      waits: percentilesOf(samples, ({ waitMs }) => waitMs),
      runs: percentilesOf(samples, ({ runMs }) => runMs),
    };
  }, [series]);
  return (
    <div class="charts">
      <section class="panel">
        <header>
          <h2>Throughput</h2>
          <span class="soft">attempts per second</span>
        </header>
        <Chart label="Attempts per second" times={times} lines={throughput} format={formatRate} />
      </section>
      <section class="panel">
        <header>
          <h2>Wait</h2>
          <span class="soft">until a job starts</span>
        </header>
        <Chart label="Wait" times={times} lines={waits} format={formatDuration} />
      </section>
      <section class="panel">
        <header>
          <h2>Run</h2>
          <span class="soft">of one attempt</span>
        </header>
        <Chart label="Run" times={times} lines={runs} format={formatDuration} />
      </section>
    </div>
  );
}

function throughputOf(samples: readonly Sample[]): Line[] {
  return outcomes
    .filter(
      (outcome) =>
        alwaysShown.includes(outcome) ||
        samples.some(({ perSecond }) => (perSecond[outcome] ?? 0) > 0),
    )
    .map((outcome) => ({
      name: outcome,
      tone: outcome,
      values: samples.map(({ perSecond }) => perSecond[outcome] ?? 0),
    }));
}

function percentilesOf(
  samples: readonly Sample[],
  of: (sample: Sample) => Sample["waitMs"],
): Line[] {
  return (["p50", "p95"] as const).map((name) => ({
    name,
    tone: name,
    values: samples.map((sample) => of(sample)?.[name] ?? null),
  }));
}
