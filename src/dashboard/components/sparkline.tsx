const WIDTH = 96;
const HEIGHT = 22;

/** A small line of values over time, the newest last. Its words say what it shows. */
export const Sparkline = ({
  values,
  label,
  color = '--accent',
}: {
  values: readonly number[];
  label: string;
  color?: string;
}) => {
  if (values.length === 0) return <span class="muted">–</span>;
  const most = Math.max(...values, 1e-9);
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = values
    .map(
      (value, i) =>
        `${(i * step).toFixed(1)},${(HEIGHT - 1 - (value / most) * (HEIGHT - 2)).toFixed(1)}`,
    )
    .join(' ');
  return (
    <svg
      class="spark"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
    >
      <polyline points={points} fill="none" stroke={`var(${color})`} stroke-width="1.5" />
    </svg>
  );
};
