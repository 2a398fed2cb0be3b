import * as echarts from "echarts";
import type { BenchReport, Result } from "../result.ts";
import { comparedMetrics, inOrder, labelOf, scaleOf, type ComparedMetric } from "./metrics.ts";
import { formatNumber } from "./numbers.ts";
import { drawBar, font, ink } from "./plot-bar.ts";

const width = 900;
const columns = 2;
const barHeight = 22;
const titleHeight = 48;
const axisHeight = 32;
/** Room for the number beside the longest bar. */
const numberWidth = 84;
const mutedInk = "#5c636a";

/** Small bars for each metric that is compared, of the same contenders; undefined when there is none. */
export function toSvg(report: BenchReport, scenario: string): string | undefined {
  const results = report.results.filter((result) => result.scenario === scenario);
  const metrics = comparedMetrics(results.filter(isDrawable));
  if (metrics.length === 0) return undefined;
  const panels = placePanels(metrics);
  const height = Math.max(...panels.map((panel) => panel.top + panel.height)) + axisHeight;
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption(optionsOf(panels));
    return withoutCounters(chart.renderToSVGString());
  } finally {
    chart.dispose();
  }
}

/** The place of one metric's bars; each has a unit of its own, and so an axis of its own. */
interface Panel {
  readonly metric: ComparedMetric;
  /** The contenders, in the same rows in all panels. */
  readonly labels: readonly string[];
  readonly isLeftmost: boolean;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function isDrawable({ median, min, max }: Result): boolean {
  return [median, min, max].every(Number.isFinite);
}

function placePanels(metrics: readonly ComparedMetric[]): Panel[] {
  const all = inOrder(metrics.flatMap(({ results }) => results));
  const labels = [...new Set(all.map(labelOf))];
  const labelWidth = 24 + 7 * Math.max(...labels.map(({ length }) => length));
  const height = barHeight * labels.length;
  const shareOfWidth = (width - labelWidth) / Math.min(columns, metrics.length);
  return metrics.map((metric, index) => {
    const column = index % columns;
    const row = Math.floor(index / columns);
    return {
      metric,
      labels,
      isLeftmost: column === 0,
      left: labelWidth + column * shareOfWidth,
      top: titleHeight + row * (titleHeight + height + axisHeight),
      width: shareOfWidth - numberWidth,
      height,
    };
  });
}

function optionsOf(panels: readonly Panel[]): echarts.EChartsOption {
  return {
    animation: false,
    backgroundColor: "#ffffff",
    textStyle: { fontFamily: font },
    title: panels.map(titleOption),
    grid: panels.map(({ left, top, width, height }) => {
      return { left, top, width, height, outerBoundsMode: "none" as const };
    }),
    xAxis: panels.map(valueAxis),
    yAxis: panels.map(contenderAxis),
    series: panels.map(barSeries),
  };
}

function titleOption({ metric, left, top, width }: Panel): echarts.TitleComponentOption {
  const text = { fontFamily: font, width: width + numberWidth, overflow: "truncate" as const };
  return {
    text: metric.name,
    subtext: scaleOf(metric),
    left,
    top: top - 38,
    padding: 0,
    itemGap: 3,
    textStyle: { ...text, fontSize: 13, color: ink },
    subtextStyle: { ...text, fontSize: 11, color: mutedInk },
  };
}

function valueAxis(_panel: Panel, index: number): echarts.XAXisComponentOption {
  return {
    type: "value",
    gridIndex: index,
    min: 0,
    splitNumber: 4,
    axisLabel: { color: mutedInk, fontSize: 11, formatter: formatNumber },
    splitLine: { lineStyle: { color: "#e9ecef" } },
  };
}

function contenderAxis({ labels, isLeftmost }: Panel, index: number): echarts.YAXisComponentOption {
  return {
    type: "category",
    gridIndex: index,
    data: [...labels],
    inverse: true,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: "#adb5bd" } },
    axisLabel: { show: isLeftmost, color: ink, fontSize: 12, interval: 0 },
  };
}

function barSeries({ metric, labels }: Panel, index: number): echarts.CustomSeriesOption {
  return {
    type: "custom",
    xAxisIndex: index,
    yAxisIndex: index,
    silent: true,
    encode: { x: [1, 2, 3], y: 0 },
    data: metric.results.map((result) => {
      return [labels.indexOf(labelOf(result)), result.median, result.min, result.max];
    }),
    renderItem: ({ dataIndex }, api) => {
      const result = metric.results[dataIndex];
      if (result === undefined) return null;
      return drawBar(result, labels.indexOf(labelOf(result)), (point) => api.coord(point));
    },
  };
}

/** Classes and ids are numbered through the whole process; they are for pages that react to the mouse. */
function withoutCounters(svg: string): string {
  return svg
    .replaceAll(/ (?:class|ecmeta_\w+)="[^"]*"/g, "")
    .replaceAll(/<style[\s\S]*?<\/style>\n?/g, "");
}
