// The parts of ECharts that the histogram needs, and how it is drawn.
import { BarChart } from 'echarts/charts';
import { BrushComponent, GridComponent, ToolboxComponent, TooltipComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, GridComponent, TooltipComponent, BrushComponent, ToolboxComponent, SVGRenderer]);

export { init as initChart };

/** Buckets that are not there count as none. */
export function fillBuckets(options: {
  buckets: readonly { start: string; count: number }[];
  from: number;
  to: number;
  interval_ms: number;
}): [number, number][] {
  const { from, to, interval_ms } = options;
  const counts = new Map(options.buckets.map(({ start, count }) => [Date.parse(start), count]));
  const filled: [number, number][] = [];
  for (let at = Math.floor(from / interval_ms) * interval_ms; at < to; at += interval_ms)
    filled.push([at, counts.get(at) ?? 0]);
  return filled;
}

export function histogramOption(options: {
  buckets: readonly [number, number][];
  from: number;
  to: number;
  interval_ms: number;
  colour: (name: string) => string;
  tell: (from: number, to: number, count: number) => string;
}): EChartsCoreOption {
  const { buckets, from, to, interval_ms, colour, tell } = options;
  const faint = colour('--ink-faint');
  return {
    animation: false,
    grid: { left: 44, right: 14, top: 10, bottom: 24 },
    tooltip: {
      trigger: 'axis',
      axisPointer: { type: 'shadow', shadowStyle: { color: colour('--hover'), opacity: 0.6 } },
      backgroundColor: colour('--raised'),
      borderColor: colour('--line-strong'),
      textStyle: { color: colour('--ink'), fontSize: 12 },
      renderMode: 'richText',
      formatter: (hits: { value: [number, number] }[]) => {
        const [at, count] = hits[0]?.value ?? [0, 0];
        return tell(at - interval_ms / 2, at + interval_ms / 2, count);
      },
    },
    xAxis: {
      type: 'time',
      min: from,
      max: to,
      axisLine: { lineStyle: { color: colour('--line-strong') } },
      axisLabel: { color: faint, fontSize: 11, hideOverlap: true },
      splitLine: { show: false },
    },
    yAxis: {
      type: 'value',
      minInterval: 1,
      splitNumber: 3,
      axisLabel: { color: faint, fontSize: 11 },
      splitLine: { lineStyle: { color: colour('--line') } },
    },
    brush: {
      xAxisIndex: 0,
      brushType: 'lineX',
      brushMode: 'single',
      throttleType: 'debounce',
      brushStyle: { color: colour('--active'), borderColor: colour('--accent-ink'), borderWidth: 1 },
    },
    toolbox: { show: false },
    series: [
      {
        type: 'bar',
        // A bar stands over the middle of its interval.
        data: buckets.map(([at, count]) => [at + interval_ms / 2, count]),
        barWidth: '82%',
        itemStyle: { color: colour('--spark'), borderRadius: [1.5, 1.5, 0, 0] },
        emphasis: { itemStyle: { color: colour('--accent-ink') } },
      },
    ],
  };
}
