const width = 96;
const height = 24;

/** The last minutes of a number as a line, without axes: whether it grows or shrinks. */
export function Sparkline({
  values,
  label,
}: {
  readonly values: readonly number[];
  readonly label: string;
}) {
  const line = points(values);
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img">
      <title>{values.length < 2 ? `${label}: not known yet` : `${label}: ${span(values)}`}</title>
      {values.length > 1 && (
        <>
          <polygon class="under" points={`0,${height} ${line} ${width},${height}`} />
          <polyline points={line} />
        </>
      )}
    </svg>
  );
}

function points(values: readonly number[]): string {
  const most = Math.max(1, ...values);
  const step = width / Math.max(1, values.length - 1);
  return values
    .map((value, place) => {
      const y = height - 1.5 - (value / most) * (height - 3);
      return `${(place * step).toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}

function span(values: readonly number[]): string {
  return `from ${Math.min(...values)} to ${Math.max(...values)}, now ${values.at(-1) ?? 0}`;
}
