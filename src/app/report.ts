// A replay for people: the largest flows, a bar of traffic per window, and the books.
import { createColors } from 'picocolors';
import { DIRECTION_RULE_DOCS } from '../cloud/locality.ts';
import { EXCLUSION_DOCS } from '../flowlog/accounting.ts';
import type { Accounting } from '../flowlog/accounting.ts';
import type { FlowSummary, Summary, WindowSummary } from '../flowlog/summary.ts';
import { plainTable } from './plain_table.ts';
import type { Colors } from './plain_table.ts';
import type { ReplayResult } from './replay.ts';
import { bytes, count, exact, quantity, time } from './units.ts';

const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  17: 'UDP',
  33: 'DCCP',
  41: '6in4',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'ICMPv6',
  89: 'OSPF',
  132: 'SCTP',
  136: 'UDP-Lite',
};
/** Windows shown; of more, those in the middle are left out. */
const SHOWN_WINDOWS = 40;

/** The whole report; `columns` is the width of what shows it. */
export function renderReport({ accounting, summary }: ReplayResult, columns: number, isColored: boolean): string {
  const pc = createColors(isColored);
  const parts = [
    ...(summary ? [renderFlows(pc, summary), renderWindows(pc, summary, columns)] : []),
    renderBooks(pc, accounting),
  ];
  return parts.filter(Boolean).join('\n\n') + '\n';
}

function heading(pc: Colors, text: string): string {
  return pc.bold(text);
}

function renderFlows(pc: Colors, summary: Summary): string {
  if (summary.flows.length === 0) return '';
  const table = plainTable(pc, ['', 'protocol', 'source', '', 'destination', 'packets', 'bytes'], 5);
  for (const flow of summary.flows) {
    table.push([
      flow.direction === 'out' ? pc.yellow('out') : pc.cyan('in'),
      PROTOCOLS[flow.protocol] ?? `${flow.protocol}`,
      end(flow.srcaddr, flow.srcport, flow),
      '→',
      end(flow.dstaddr, flow.dstport, flow),
      exact(flow.packets),
      bytes(flow.bytes),
    ]);
  }
  const note = summary.isExact ? '' : pc.dim(' (of the larger flows: with so many, small ones are not followed)');
  return `${heading(pc, 'Largest flows')}${note}\n${table.toString()}`;
}

function end(address: string, port: number, flow: FlowSummary): string {
  if (port < 0 && flow.srcport < 0 && flow.dstport < 0) return address;
  const shown = port < 0 ? '-' : `${port}`;
  return address.includes(':') ? `[${address}]:${shown}` : `${address}:${shown}`;
}

function renderWindows(pc: Colors, summary: Summary, columns: number): string {
  const { windows } = summary;
  if (windows.length === 0) return '';
  const most = Math.max(...windows.map((window) => window.bytes));
  const width = Math.max(10, Math.min(60, columns - 62));
  const left = windows.slice(0, windows.length > SHOWN_WINDOWS ? SHOWN_WINDOWS / 2 : SHOWN_WINDOWS);
  const right = windows.length > SHOWN_WINDOWS ? windows.slice(-SHOWN_WINDOWS / 2) : [];
  const line = (window: WindowSummary): string => {
    const length = Math.max(1, Math.round((window.bytes / most) * width));
    return [
      time(window.start).padEnd(20),
      pc.green('█'.repeat(length)) + ' '.repeat(width - length),
      bytes(window.bytes).padStart(9),
      `${count(window.packets)} ${window.packets === 1 ? 'packet ' : 'packets'}`.padStart(16),
      `${count(window.entries)} ${window.entries === 1 ? 'entry  ' : 'entries'}`.padStart(15),
    ].join(' ');
  };
  // A gap in time is a silence, and shows as one.
  const withSilence = (window: WindowSummary, i: number, shown: readonly WindowSummary[]): string[] => {
    const silent = i === 0 ? 0 : (window.start - shown[i - 1].start) / summary.windowSeconds - 1;
    const mark = pc.dim(`… ${quantity(silent, 'window', 'windows')} without traffic`);
    return silent > 0 ? [mark, line(window)] : [line(window)];
  };
  const lines = left.flatMap(withSilence);
  const hidden = windows.length - left.length - right.length;
  if (hidden > 0) lines.push(pc.dim(`… ${quantity(hidden, 'more window', 'more windows')}`));
  lines.push(...right.flatMap(withSilence));
  return `${heading(pc, `Traffic by window of ${summary.windowSeconds} s (UTC)`)}\n${lines.join('\n')}`;
}

function renderBooks(pc: Colors, a: Accounting): string {
  const books = plainTable(pc, ['', 'packets', 'bytes'], 1);
  const row = (name: string, packets: number, octets: number): void => {
    books.push([name, exact(packets), exact(octets)]);
  };
  row('seen', a.packets.seen, a.bytes.seen);
  row('= logged', a.packets.logged, a.bytes.logged);
  for (const [reason, doc] of Object.entries(EXCLUSION_DOCS) as [keyof typeof EXCLUSION_DOCS, string][]) {
    if (a.packets.excluded[reason] > 0) {
      row(`+ ${reason} ${pc.dim(`(${doc})`)}`, a.packets.excluded[reason], a.bytes.excluded[reason]);
    }
  }
  const rules = Object.entries(DIRECTION_RULE_DOCS).filter(([rule]) => (a.direction[rule] ?? 0) > 0);
  const lines = [
    heading(pc, 'Accounting'),
    books.toString(),
    `entries: ${exact(a.entries.ok)} OK, ${exact(a.entries.nodata)} NODATA, ${exact(a.entries.skipdata)} SKIPDATA, ${exact(a.entries.supplementary)} supplementary`,
    ...rules.map(([rule, doc]) => `direction: ${exact(a.direction[rule])} packets by ${rule} ${pc.dim(`(${doc})`)}`),
  ];
  if (a.closedEarly > 0) {
    lines.push(`${exact(a.closedEarly)} entries were closed early: the flow table reached its budget (--max-flows)`);
  }
  for (const cut of a.incomplete) lines.push(pc.red(`incomplete: ${cut.input}: ${cut.message}`));
  for (const i of a.interfaces) {
    if (i.dropped > 0)
      lines.push(pc.red(`interface ${i.number}: the capture itself reports ${exact(i.dropped)} dropped packets`));
  }
  return lines.join('\n');
}
