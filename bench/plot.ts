// The plot: packets per second as bars, a panel a workload, as SVG for light and dark pages.
import { init } from 'echarts';
import type { EChartsOption } from 'echarts';
import type { Row, WorkloadResult } from './results.ts';
import { SHOWN, shownRows, shownWorkloads, timesNfpcapd } from './summary.ts';

export interface Bar {
  readonly tool: string;
  /** Null where there is no such figure. */
  readonly mpps: number | null;
  readonly timesNfpcapd: number | null;
}

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 880;
const BAR_ROW = 27;
const LEFT = 168;
const RIGHT = 66;
const GAP = 70;
const TOP = 88;
const BOTTOM = 44;
/** Of a workload's title, the parts that are shown: what the packets are, and the flows. */
const TITLE_PARTS = 2;
const SUBTITLE = 'Windrow writes JSON to a file; × is the ratio to nfpcapd on the same capture';
const FONT = 'system-ui, sans-serif';
/** Parts that the axis is divided into. */
const STEPS = 4;

/** By what it is for: on a light page, and on a dark one. No two are alike: one is found by its value and replaced. */
const COLOURS = {
  page: ['#ffffff', '#0d1117'],
  frame: ['#d1d9e0', '#3d444d'],
  grid: ['#eaeef2', '#21262d'],
  text: ['#1f2328', '#f0f6fc'],
  quiet: ['#59636e', '#9198a1'],
  windrow: ['#0a69da', '#4493f8'],
  peer: ['#a3adb8', '#656c76'],
  nfpcapd: ['#6e7781', '#9aa2ab'],
  bareLoop: ['#dbe1e8', '#343b44'],
} as const;

/** The bars of all panels, tool by tool: every panel has the same tools. */
export function plotPanels(results: readonly WorkloadResult[]): Panel[] {
  const shown = shownWorkloads(results);
  const measured = new Set(shown.flatMap((result) => shownRows(result).map(({ tool }) => tool)));
  const tools = Object.keys(SHOWN).filter((tool) => measured.has(tool));
  return shown.map((result) => ({
    title: result.title.split(', ').slice(0, TITLE_PARTS).join(', '),
    bars: tools.map((tool) => bar(tool, result)),
  }));
}

export function drawPlot(results: readonly WorkloadResult[]): string {
  const panels = plotPanels(results);
  const rows = panels[0]?.bars.length ?? 0;
  const height = TOP + rows * BAR_ROW + BOTTOM;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption(chartOption(panels));
  const svg = chart.renderToSVGString();
  chart.dispose();
  return forBothPages(svg, height);
}

function bar(tool: string, result: WorkloadResult): Bar {
  const row = shownRows(result).find((one: Row) => one.tool === tool);
  if (!row) return { tool, mpps: null, timesNfpcapd: null };
  return { tool, mpps: row.packetsPerSecond / 1e6, timesNfpcapd: timesNfpcapd(row, result) };
}

function chartOption(panels: readonly Panel[]): EChartsOption {
  const width = (WIDTH - LEFT - RIGHT - GAP * (panels.length - 1)) / panels.length;
  const left = (panel: number): number => LEFT + panel * (width + GAP);
  const most = Math.max(...panels.flatMap(({ bars }) => bars.map(({ mpps }) => mpps ?? 0)));
  const step = Math.ceil(most / STEPS);
  return {
    animation: false,
    textStyle: { fontFamily: FONT },
    title: [
      heading('Millions of packets a second', SUBTITLE, 20),
      ...panels.map(({ title }, i) => ({ ...heading(title, '', left(i)), top: 62, textStyle: small('text') })),
    ],
    grid: panels.map((_, i) => ({ left: left(i), width, top: TOP, bottom: BOTTOM })),
    xAxis: panels.map((_, i) => ({
      type: 'value' as const,
      gridIndex: i,
      max: step * STEPS,
      interval: step,
      axisLabel: small('quiet'),
      splitLine: { lineStyle: { color: COLOURS.grid[0] } },
    })),
    yAxis: panels.map(({ bars }, i) => ({
      type: 'category' as const,
      gridIndex: i,
      inverse: true,
      data: bars.map(({ tool }) => SHOWN[tool]),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: COLOURS.frame[0] } },
      axisLabel: i === 0 ? { ...small('text'), margin: 10 } : { show: false },
    })),
    series: panels.map(({ bars }, i) => ({
      type: 'bar' as const,
      xAxisIndex: i,
      yAxisIndex: i,
      barWidth: '66%',
      silent: true,
      data: bars.map((one) => ({
        value: one.mpps ?? 0,
        itemStyle: { color: colourOf(one.tool), borderRadius: [0, 2, 2, 0] },
        label: { ...labelStyle(one.tool), show: true, position: 'right' as const },
      })),
      label: { formatter: ({ dataIndex }: { dataIndex: number }) => labelOf(bars[dataIndex]) },
    })),
  };
}

function heading(text: string, subtext: string, left: number): object {
  return {
    ...{ text, subtext, left, top: 12, padding: 0, itemGap: 6 },
    textStyle: { ...small('text'), fontSize: 16, fontWeight: 600 },
    subtextStyle: small('quiet'),
  };
}

function small(colour: keyof typeof COLOURS): { color: string; fontSize: number } {
  return { color: COLOURS[colour][0], fontSize: 12.5 };
}

function labelStyle(tool: string): object {
  // The border keeps the lines of the grid out of the letters.
  const border = { textBorderColor: COLOURS.page[0], textBorderWidth: 4 };
  return tool.startsWith('windrow')
    ? { ...border, ...small('text'), fontWeight: 600 }
    : { ...border, ...small('quiet') };
}

function colourOf(tool: string): string {
  if (tool.startsWith('windrow')) return COLOURS.windrow[0];
  if (tool === 'nfpcapd') return COLOURS.nfpcapd[0];
  return tool === 'bare-loop' ? COLOURS.bareLoop[0] : COLOURS.peer[0];
}

function labelOf({ mpps, timesNfpcapd: times }: Bar): string {
  if (mpps === null) return 'not measured';
  return times === null ? mpps.toFixed(2) : `${times >= 9.95 ? times.toFixed(0) : times.toPrecision(2)} ×`;
}

/** Colours follow the page, on a ground of the plot's own: a page may be dark where its system is light. */
function forBothPages(svg: string, height: number): string {
  const rules = Object.values(COLOURS).map(
    ([light, dark]) => `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`,
  );
  const style = `<style>@media (prefers-color-scheme:dark){${rules.join('')}}</style>`;
  const [page, frame] = [COLOURS.page[0], COLOURS.frame[0]];
  const size = `x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"`;
  const ground = `<rect ${size} fill="${page}" stroke="${frame}"/>`;
  return svg.replace(/(<svg[^>]*>)/, `$1\n<title>Millions of packets a second</title>\n${style}\n${ground}`) + '\n';
}
