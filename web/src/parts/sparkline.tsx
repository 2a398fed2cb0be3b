import type { VNode } from "preact";

const width = 100;
const height = 24;

/** How a number went, as a small line; nothing until there are two of them. */
export function Sparkline(props: {
  readonly values: readonly number[];
  readonly label: string;
}): VNode {
  const line = lineOf(props.values);
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={props.label}
    >
      {line !== "" && <path class="area" d={`${line}L${width} ${height}L0 ${height}Z`} />}
      {line !== "" && <path d={line} />}
    </svg>
  );
}

function lineOf(values: readonly number[]): string {
  if (values.length < 2) return "";
  const highest = Math.max(1, ...values);
  const points = values.map((value, index) => {
    const x = (index / (values.length - 1)) * width;
    const y = height - 1 - (value / highest) * (height - 2);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return `M${points.join("L")}`;
}
