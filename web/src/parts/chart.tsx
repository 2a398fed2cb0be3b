import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { colour, paint } from "../theme.ts";

/** One line of a chart. */
export interface Line {
  readonly label: string;
  /** The name of its colour among the tokens; also what the legend is classed as. */
  readonly token: string;
  readonly isDashed?: boolean;
  readonly values: readonly (number | null)[];
}

/** What a chart shows. */
export interface ChartProps {
  /** Unix time in seconds, oldest first. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  readonly label: string;
}

const height = 210;

/** Lines over time, which follow what is new; the legend tells the values under the cursor, else the latest. */
export function Chart({ times, lines, format, label }: ChartProps): VNode {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [pointed, setPointed] = useState<number | null>(null);
  const shape = JSON.stringify(lines.map((line) => [line.label, line.token]));
  const isEmpty = times.length < 2;
  useEffect(() => {
    const element = frame.current;
    if (element === null || isEmpty) return undefined;
    const made = new uPlot(
      optionsOf(element.clientWidth, lines, { format, onPoint: setPointed }),
      dataOf(times, lines),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [shape, paint.value, isEmpty]);
  useEffect(() => plot.current?.setData(dataOf(times, lines)), [times, lines]);
  return (
    <div class="stack tight">
      <div class="chart" ref={frame} role="img" aria-label={label}>
        {isEmpty && <span class="chart-empty">The first measurements are on their way.</span>}
      </div>
      <Legend lines={lines} index={pointed} format={format} />
    </div>
  );
}

function Legend(props: {
  readonly lines: readonly Line[];
  /** Where the cursor is; null: the latest value is told. */
  readonly index: number | null;
  readonly format: (value: number) => string;
}): VNode {
  return (
    <div class="legend">
      {props.lines.map(({ label, token, isDashed, values }) => {
        const latest = values.findLast((value) => value !== null);
        const value = props.index === null ? latest : values[props.index];
        return (
          <span key={label} class={token}>
            <span class={isDashed === true ? "legend-mark dashed" : "legend-mark"} />
            {label} <b>{value === null || value === undefined ? "–" : props.format(value)}</b>
          </span>
        );
      })}
    </div>
  );
}

function dataOf(times: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [[...times], ...lines.map(({ values }) => [...values])];
}

function optionsOf(
  width: number,
  lines: readonly Line[],
  given: { format: (value: number) => string; onPoint: (index: number | null) => void },
): uPlot.Options {
  const axis = {
    stroke: colour("text-soft"),
    font: "11px system-ui, sans-serif",
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    padding: [10, 8, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 }, y: false },
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(most, 1) * 1.1] } },
    axes: [
      { ...axis, space: 80, values: (_plot, times) => times.map(timeOfDay) },
      {
        ...axis,
        size: 62,
        space: 38,
        values: (_plot, values) => values.map((value) => given.format(value)),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: colour(line.token),
        width: 1.75,
        points: { show: true, size: 5, fill: colour(line.token), filter: isolatedIn },
        ...(line.isDashed === true ? { dash: [5, 4] } : {}),
      })),
    ],
    hooks: { setCursor: [({ cursor }) => given.onPoint(cursor.idx ?? null)] },
  };
}

// A value between two gaps would not be seen: no line leads to it.
function isolatedIn(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const isThere = (index: number): boolean => (values[index] ?? null) !== null;
  return [...values.keys()].filter(
    (index) => isThere(index) && !isThere(index - 1) && !isThere(index + 1),
  );
}

function timeOfDay(seconds: number): string {
  return new Date(seconds * 1_000).toLocaleTimeString("en-GB");
}
