import type { CustomSeriesRenderItemReturn } from "echarts";
import type { Result } from "../result.ts";
import { formatNumber } from "./numbers.ts";
import { ownName } from "./ratios.ts";

export const font = "Helvetica, Arial, sans-serif";
export const ink = "#212529";

const ownColour = "#f76707";
const peerColour = "#ced4da";
const thickness = 14;
const capHeight = 8;

/** A bar up to the median, a whisker from the lowest to the highest round, and the median as a number. */
export function drawBar(
  { contender, median, min, max }: Result,
  row: number,
  coord: (point: number[]) => number[],
): CustomSeriesRenderItemReturn {
  const [start = 0, y = 0] = coord([0, row]);
  const xOf = (value: number): number => coord([value, row])[0] ?? 0;
  const isOwn = contender === ownName;
  return {
    type: "group",
    children: [
      {
        type: "rect",
        shape: { x: start, y: y - thickness / 2, width: xOf(median) - start, height: thickness },
        style: { fill: isOwn ? ownColour : peerColour },
      },
      {
        type: "path",
        shape: { pathData: whisker(xOf(min), xOf(max), y) },
        style: { stroke: ink, lineWidth: 1.2, fill: "none" },
      },
      {
        type: "text",
        x: xOf(max) + 7,
        y,
        style: {
          text: formatNumber(median),
          font: `${isOwn ? "bold " : ""}12px ${font}`,
          fill: ink,
          verticalAlign: "middle",
        },
      },
    ],
  };
}

function whisker(from: number, to: number, y: number): string {
  const top = y - capHeight / 2;
  return `M${from} ${top}v${capHeight}M${from} ${y}H${to}M${to} ${top}v${capHeight}`;
}
