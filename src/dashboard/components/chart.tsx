import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

const HEIGHT = 190;

export interface Series {
  label: string;
  /** A custom property of the style sheet. */
  color: string;
  values: number[];
}

const toColor = (element: Element, name: string): string =>
  getComputedStyle(element).getPropertyValue(name).trim();

/** Lines over time. `times`: seconds since 1970. */
export const Chart = ({
  times,
  series,
  label,
}: {
  times: number[];
  series: Series[];
  label: string;
}) => {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
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
      plot.current = new uPlot(
        {
          width: element.clientWidth,
          height: HEIGHT,
          cursor: { y: false },
          legend: { show: true },
          scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(4, max * 1.1)] } },
          axes: [axis, { ...axis, size: 44 }],
          series: [
            { value: '{HH}:{mm}' },
            ...series.map((each) => ({
              label: each.label,
              stroke: toColor(element, each.color),
              fill: `color-mix(in srgb, ${toColor(element, each.color)} 14%, transparent)`,
              width: 2,
              points: { show: false },
            })),
          ],
        },
        data,
        element,
      );
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

  useEffect(() => plot.current?.setData(data), [data]);
  return <div ref={host} class="chart" role="img" aria-label={label} />;
};
