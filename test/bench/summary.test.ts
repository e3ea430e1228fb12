// The short tables of the README, and the plot beside them.
import { describe, expect, test } from 'vitest';
import { drawPlot, plotPanels } from '../../bench/plot.ts';
import { renderSummary } from '../../bench/summary.ts';
import { failedRow, report, row, workload } from './measured.ts';

const imix = workload('imix', [
  row('windrow-1', 8, { peakMb: 103.4 }),
  row('windrow-1-null', 9),
  row('windrow-2', 14),
  row('nfpcapd', 2),
  row('tshark', 0.05, { isHead: true }),
  row('bare-loop', 16),
]);
const uniform = workload('uniform', [row('windrow-1', 3), failedRow('argus', 'not done'), row('nfpcapd', 0.25)]);

describe('a short table', () => {
  const text = renderSummary(report([imix, uniform, workload('flows-10k', [row('windrow-1-null', 9)])]), 'plot.svg');

  test('has a row a tool that writes, with its ratio, CPU time and memory', () => {
    expect(text).toContain(
      [
        '| tool | Mpps | × nfpcapd | CPU s per M packets | peak MB |',
        '| --- | --: | --: | --: | --: |',
        '| Windrow, one worker | 8.00 | 4.00 | 0.19 | 103 |',
        '| Windrow, two workers | 14.0 | 7.00 | 0.11 | 100 |',
        '| nfpcapd | 2.00 | 1.00 | 0.75 | 100 |',
        '| tshark | 0.05 | 0.03 | 30 | 100 |',
        '| bare loop | 16.0 | 8.00 | 0.094 | 100 |',
      ].join('\n'),
    );
    expect(text).toContain('| Windrow, one worker | 3.00 | 12.0 |');
    expect(text).not.toContain('flows-10k');
  });

  test('says which tools are no equals, and only of those that it has', () => {
    expect(text).toContain('tshark is given the first million packets');
    expect(text).not.toContain('pcap-parser');
  });

  test('has no row for a tool that failed, and names it', () => {
    expect(text).not.toContain('| argus');
    expect(text).toContain('Failed: argus (on uniform).');
  });

  test('names what was not measured', () => {
    const leftOut = { workloads: ['uniform', 'flows-4M'], tools: ['windrow-1-null', 'pmacctd'] };
    const missing = [{ name: 'softflowd', get: 'apt-get install softflowd' }];
    const subset = renderSummary(report([imix], { leftOut, missing }), 'plot.svg');
    expect(subset).toContain('Not measured: softflowd, pmacctd and `uniform`.');
    expect(subset).not.toContain('(`uniform`, ');
    expect(text).not.toContain('Not measured');
  });

  test('has no ratios where nfpcapd was not measured', () => {
    const lone = renderSummary(report([workload('imix', [row('windrow-1', 8)])]), 'plot.svg');
    expect(lone).toContain('| tool | Mpps | CPU s per M packets | peak MB |\n');
    expect(lone).toContain('| Windrow, one worker | 8.00 | 0.19 | 100 |');
  });
});

describe('the plot', () => {
  test('has the same tools in every panel, those that were measured anywhere', () => {
    expect(plotPanels([imix, uniform])).toEqual([
      {
        title: 'imix, its flows',
        bars: [
          { tool: 'windrow-1', mpps: 8, timesNfpcapd: 4 },
          { tool: 'windrow-2', mpps: 14, timesNfpcapd: 7 },
          { tool: 'nfpcapd', mpps: 2, timesNfpcapd: 1 },
          { tool: 'tshark', mpps: 0.05, timesNfpcapd: 0.025 },
          { tool: 'bare-loop', mpps: 16, timesNfpcapd: 8 },
        ],
      },
      {
        title: 'uniform, its flows',
        bars: [
          { tool: 'windrow-1', mpps: 3, timesNfpcapd: 12 },
          { tool: 'windrow-2', mpps: null, timesNfpcapd: null },
          { tool: 'nfpcapd', mpps: 0.25, timesNfpcapd: 1 },
          { tool: 'tshark', mpps: null, timesNfpcapd: null },
          { tool: 'bare-loop', mpps: null, timesNfpcapd: null },
        ],
      },
    ]);
  });

  const svg = drawPlot([imix, uniform]);
  const texts = [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

  test('names the tools once and has a ratio for every bar', () => {
    expect(texts.filter((text) => text === 'Windrow, two workers')).toHaveLength(1);
    expect(texts.filter((text) => / ×$|^not measured$/.test(text))).toEqual([
      ...['4.0 ×', '7.0 ×', '1.0 ×', '0.025 ×', '8.0 ×'],
      ...['12 ×', 'not measured', '1.0 ×', 'not measured', 'not measured'],
    ]);
  });

  test('has another colour on a dark page for each that is drawn', () => {
    const dark = new Set([...svg.matchAll(/\[(?:fill|stroke)="(#\w+)"\]/g)].map(([, colour]) => colour));
    const drawn = [...svg.replace(/<style>[^]*?<\/style>/, '').matchAll(/<(?:text|rect|path)[^>]*/g)]
      .filter(([tag]) => !/fill-opacity="0"/.test(tag))
      .flatMap(([tag]) => [...tag.matchAll(/ (?:fill|stroke)="(?!none)([^"]+)"/g)].map(([, colour]) => colour));
    expect(drawn.length).toBeGreaterThan(20);
    expect(drawn.filter((colour) => !dark.has(colour))).toEqual([]);
  });

  test('is XML whose attributes are all quoted to their end', () => {
    const tags = svg.replace(/<style[^]*?<\/style>/g, '').match(/<[^>]*>/g) ?? [];
    expect(tags.filter((tag) => !/^<\/?[a-z]+( [\w:-]+="[^"<]*")*\/?>$/i.test(tag.replace(/\s+/g, ' ')))).toEqual([]);
  });
});
