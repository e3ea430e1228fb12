// A replay as people read it: the largest flows, a bar for each window, the books, and all of them in one line.
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { ReplayResult } from '../../src/app/replay.ts';
import { renderReport } from '../../src/app/report.ts';
import { summaryLine } from '../../src/app/summary_line.ts';
import { bytes, count, exact, time } from '../../src/app/units.ts';
import type { Accounting, Books } from '../../src/flowlog/accounting.ts';
import type { FlowSummary, Summary } from '../../src/flowlog/summary.ts';

const NONE = {
  not_ip: 0,
  malformed: 0,
  truncated: 0,
  multicast: 0,
  broadcast: 0,
  not_local: 0,
  unsupported_link_type: 0,
};
const EMPTY: Books = { seen: 0, logged: 0, excluded: NONE };

function books(parts: Partial<Accounting> = {}): Accounting {
  return {
    packets: EMPTY,
    bytes: EMPTY,
    entries: { ok: 0, nodata: 0, skipdata: 0, supplementary: 0 },
    direction: {},
    interfaces: [],
    unseen: { packets: 0, bytes: 0 },
    closedEarly: 0,
    incomplete: [],
    ...parts,
  };
}

const FLOW: FlowSummary = {
  direction: 'out',
  protocol: 6,
  srcaddr: '10.0.0.1',
  srcport: 40000,
  dstaddr: '192.0.2.1',
  dstport: 443,
  packets: 1234567,
  bytes: 3 << 20,
};

function render(summary: Partial<Summary> | undefined, accounting = books(), columns = 100): string[] {
  const whole = { flows: [], isExact: true, windows: [], windowSeconds: 60, ...summary };
  const result: ReplayResult = { accounting, summary: summary && whole };
  return stripVTControlCharacters(renderReport(result, columns, false)).split('\n');
}

describe('the books in one line', () => {
  test('say what was seen, where it went, and nothing of what there was none of', () => {
    expect(summaryLine(books())).toBe('0 packets seen = 0 logged + 0 excluded; 0 entries');
  });

  test('name each reason and each kind of entry that there was', () => {
    const line = summaryLine(
      books({
        packets: { seen: 1_000_010, logged: 1_000_000, excluded: { ...NONE, not_ip: 3, multicast: 7 } },
        entries: { ok: 1000, nodata: 2, skipdata: 3, supplementary: 4 },
        closedEarly: 5,
      }),
    );
    expect(line).toBe(
      '1,000,010 packets seen = 1,000,000 logged + 10 excluded (3 not_ip, 7 multicast); ' +
        '1,004 entries, 2 NODATA, 3 SKIPDATA, 4 supplementary, 5 closed early',
    );
  });
});

describe('the largest flows', () => {
  const flowLine = (flow: Partial<FlowSummary>): string =>
    render({ flows: [{ ...FLOW, ...flow }] })[2]
      .replaceAll(/ {2,}/g, ' ')
      .trim();

  test('have both ends, packets and bytes', () => {
    expect(flowLine({})).toBe('out TCP 10.0.0.1:40000 → 192.0.2.1:443 1,234,567 3.00 MiB');
    expect(flowLine({ direction: 'in' })).toMatch(/^in TCP/);
  });

  test('name protocols that people know, and give the number of others', () => {
    expect(flowLine({ protocol: 17 })).toContain('out UDP 10');
    expect(flowLine({ protocol: 253 })).toContain('out 253 10');
  });

  test('put IPv6 in brackets, and leave out what has no ports', () => {
    expect(flowLine({ srcaddr: 'fd00::1', dstaddr: '2001:db8::1' })).toContain('[fd00::1]:40000 → [2001:db8::1]:443');
    expect(flowLine({ protocol: 1, srcport: -1, dstport: -1 })).toContain('ICMP 10.0.0.1 → 192.0.2.1 1,');
    expect(flowLine({ dstport: -1 })).toContain('10.0.0.1:40000 → 192.0.2.1:- 1,');
  });

  test('say when small ones were not followed', () => {
    expect(render({ flows: [FLOW] })[0]).toBe('Largest flows');
    expect(render({ flows: [FLOW], isExact: false })[0]).toMatch(/^Largest flows \(.*not followed\)$/);
  });
});

describe('the windows', () => {
  const windows = (count: number): Summary['windows'] =>
    Array.from({ length: count }, (_, i) => ({ start: i * 60, entries: 1, packets: i, bytes: i * 1000 }));

  test('have a bar as long as their share of the largest', () => {
    const lines = render({ windows: windows(5) }).slice(0, 6);
    expect(lines[0]).toBe('Traffic by window of 60 s (UTC)');
    const bars = lines.slice(1).map((line) => line.split('█').length - 1);
    expect(bars).toEqual([1, 10, 19, 29, 38]);
    expect(lines[1]).toMatch(/^1970-01-01 00:00:00 +█ +0 B +0 packets +1 entry *$/);
  });

  test('fit the terminal, and no bar is wider than 60', () => {
    for (const [columns, longest] of [
      [20, 10],
      [80, 18],
      [500, 60],
    ]) {
      const last = render({ windows: windows(3) }, books(), columns)[3];
      expect(last.split('█').length - 1).toBe(longest);
    }
  });

  test('in the middle are left out where there are too many, and counted', () => {
    const bars = (count: number): string[] => render({ windows: windows(count) }).filter((line) => line.includes('█'));
    expect(bars(40)).toHaveLength(40);
    expect(bars(1000)).toHaveLength(40);
    expect(render({ windows: windows(1000) }).filter((line) => line.startsWith('…'))).toEqual(['… 960 more windows']);
    expect(render({ windows: windows(40) }).join()).not.toContain('…');
  });
});

describe('the accounting', () => {
  test('shows the exclusions that there were, with what they mean, and how directions were told', () => {
    const lines = render(
      undefined,
      books({
        packets: { seen: 12, logged: 10, excluded: { ...NONE, not_ip: 2 } },
        bytes: { seen: 1284, logged: 1200, excluded: { ...NONE, not_ip: 84 } },
        direction: { capture: 0, private: 10 },
      }),
    );
    const text = lines.map((line) => line.replaceAll(/ {2,}/g, ' ').trim());
    expect(text).toContain('seen 12 1,284');
    expect(text).toContain('= logged 10 1,200');
    expect(text).toContain('+ not_ip (no IP header in the frame) 2 84');
    expect(text.join('\n')).not.toContain('malformed');
    expect(text).toContain('direction: 10 packets by private (one end is a private address, the other is not)');
    expect(text.join('\n')).not.toContain('by capture');
    expect(text[0]).toBe('Accounting');
  });

  test('says when flows were closed early, and when the capture lost packets', () => {
    const lost = {
      number: 3,
      name: '',
      linkType: 'ETHERNET',
      eniId: 'x',
      packets: { seen: 0, excluded: NONE },
      bytes: { seen: 0, excluded: NONE },
      dropped: 9000,
    };
    const quiet = render(undefined, books({ interfaces: [{ ...lost, dropped: 0 }] })).join('\n');
    expect(quiet).not.toMatch(/dropped|early/);
    const loud = render(undefined, books({ interfaces: [lost], closedEarly: 5 })).join('\n');
    expect(loud).toContain('interface 3: the capture itself reports 9,000 dropped packets');
    expect(loud).toContain('5 entries were closed early');
  });
});

test('numbers are as people read them', () => {
  expect([0, 999, 1000, 1234567, 9.99e14].map(count)).toEqual(['0', '999', '1.00 k', '1.23 M', '999 T']);
  expect([0, 1023, 1024, 1234567].map(bytes)).toEqual(['0 B', '1023 B', '1.00 KiB', '1.18 MiB']);
  // Close below the next unit, either unit will do, but no exponent.
  expect(count(999_999)).toMatch(/^(1000 k|1\.00 M)$/);
  expect(bytes(1010 * 1024)).toMatch(/^(1010 KiB|0\.986 MiB)$/);
  expect(exact(1234567)).toBe('1,234,567');
  expect(time(1_767_603_600)).toBe('2026-01-05 09:00:00');
  expect(time(-1)).toBe('1969-12-31 23:59:59');
  expect(time(1e18)).toBe('1000000000000000000');
});
