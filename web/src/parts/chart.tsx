import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { chosenTheme } from "../theme.ts";

/** One line of a chart. */
export interface Line {
  readonly name: string;
  /** The class that gives it its colour. */
  readonly tone: string;
  /** One for each time; null where nothing is known. */
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  readonly label: string;
  /** In seconds, as uPlot has them. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
}

/** Lines over time, with the newest value of each beside its name. */
export function Chart({ label, times, lines, format }: ChartProps) {
  const area = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const names = lines.map(({ name }) => name).join();
  const theme = chosenTheme.value;
  const data = [times, ...lines.map(({ values }) => values)] as uPlot.AlignedData; // uPlot reads them only
  useEffect(() => {
    const element = area.current;
    if (element === null) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsFor({ area, legend }, lines, format), data, element);
    };
    draw();
    const sizes = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height: element.clientHeight });
    });
    sizes.observe(element);
    // The system's theme: the colours have to be looked up again.
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", draw);
    return () => {
      system.removeEventListener("change", draw);
      sizes.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [names, theme]);
  useEffect(() => plot.current?.setData(data), [times, lines]);
  return (
    <>
      <div class="chart-area">
        <span class="probe" />
        <span class="probe line" />
        <div class="chart" ref={area} role="img" aria-label={summary(label, lines, format)} />
      </div>
      <div class="legend" ref={legend}>
        {lines.map(({ name, tone, values }) => (
          <span key={name}>
            <i class={`swatch ${tone}`} />
            {name} <strong>{formatLast(values, format)}</strong>
          </span>
        ))}
      </div>
    </>
  );
}

interface Elements {
  readonly area: RefObject<HTMLDivElement>;
  readonly legend: RefObject<HTMLDivElement>;
}

function optionsFor(
  { area, legend }: Elements,
  lines: readonly Line[],
  format: (value: number) => string,
): uPlot.Options {
  const [text = "", grid = ""] = colours(area.current?.parentElement, ".probe");
  const tones = colours(legend.current, ".swatch");
  const axis = { stroke: text, font: "11px system-ui", ticks: { show: false } };
  return {
    width: area.current?.clientWidth ?? 300,
    height: area.current?.clientHeight ?? 190,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { drag: { setScale: false }, points: { size: 6 } },
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(most * 1.1, 0.1)] } },
    axes: [
      { ...axis, size: 26, space: 70, grid: { show: false }, values: "{HH}:{mm}" },
      {
        ...axis,
        size: 54,
        space: 36,
        grid: { stroke: grid, width: 1 },
        values: (_plot, values) => values.map(format),
      },
    ],
    series: [
      {},
      ...lines.map(({ name }, place) => ({
        label: name,
        stroke: tones[place] ?? text,
        width: 1.75,
        spanGaps: true,
        points: { show: false },
      })),
    ],
  };
}

function colours(inside: Element | null | undefined, selector: string): string[] {
  return [...(inside?.querySelectorAll(selector) ?? [])].map(
    (element) => getComputedStyle(element).color,
  );
}

function summary(label: string, lines: readonly Line[], format: (value: number) => string): string {
  const parts = lines.map(({ name, values }) => `${name} ${formatLast(values, format)}`);
  return `${label}, now: ${parts.join(", ")}`;
}

function formatLast(values: Line["values"], format: (value: number) => string): string {
  const last = values.at(-1) ?? null;
  return last === null ? "–" : format(last);
}
