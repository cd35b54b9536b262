import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatDuration } from '../format.ts';

const HEIGHT = 190;

export interface Series {
  label: string;
  /** A custom property of the style sheet. */
  color: string;
  /** Null: nothing to be drawn there. */
  values: (number | null)[];
  /** Marks in the place of a line: for what mostly is not there. */
  isMarked?: boolean;
}

const toColor = (element: Element, name: string): string =>
  getComputedStyle(element).getPropertyValue(name).trim();

/** Lines over time. `times`: seconds since 1970. A zoom stays while figures come. */
export const Chart = ({
  times,
  series,
  label,
  isDuration = false,
}: {
  times: number[];
  series: Series[];
  label: string;
  /** The values are seconds. */
  isDuration?: boolean;
}) => {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const isZoomed = useRef(false);
  const data = [times, ...series.map(({ values }) => values)] as uPlot.AlignedData;

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const draw = (): void => {
      plot.current?.destroy();
      const [text, line] = [toColor(element, '--muted'), toColor(element, '--line')];
      const axis = {
        stroke: text,
        grid: { stroke: line, width: 1 },
        ticks: { stroke: line, width: 1 },
      };
      const format = (value: number | null): string =>
        value === null ? '–' : isDuration ? formatDuration(value) : String(value);
      plot.current = new uPlot(
        {
          width: element.clientWidth,
          height: HEIGHT,
          cursor: { y: false },
          legend: { show: true },
          hooks: { setSelect: [(u) => (isZoomed.current = u.select.width > 0)] },
          scales: {
            x: { time: true },
            y: { range: (_, __, max) => [0, Math.max(isDuration ? 0.01 : 4, (max || 0) * 1.1)] },
          },
          axes: [
            axis,
            {
              ...axis,
              size: isDuration ? 64 : 44,
              values: (_, ticks) => ticks.map((tick) => format(tick)),
            },
          ],
          series: [
            { value: '{YYYY}-{MM}-{DD} {HH}:{mm}' },
            ...series.map((each) => {
              const stroke = toColor(element, each.color);
              return {
                label: each.label,
                stroke,
                width: 2,
                value: (_: uPlot, value: number | null) => format(value),
                ...(each.isMarked
                  ? { paths: () => null, points: { show: true, size: 7, fill: stroke } }
                  : {
                      fill: `color-mix(in srgb, ${stroke} 10%, transparent)`,
                      points: { show: isDuration, size: 5, fill: stroke },
                    }),
              };
            }),
          ],
        },
        data,
        element,
      );
      plot.current.over.addEventListener('dblclick', () => (isZoomed.current = false));
    };
    draw();
    const resize = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    resize.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => {
      resize.disconnect();
      scheme.removeEventListener('change', draw);
      plot.current?.destroy();
    };
  }, []);

  useEffect(() => plot.current?.setData(data, !isZoomed.current), [data]);
  return <div ref={host} class="chart" role="img" aria-label={label} />;
};
