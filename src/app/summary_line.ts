// All of the books of a replay in one line.
import type { Accounting } from '../flowlog/accounting.ts';
import { exact, quantity } from './units.ts';

export function summaryLine(a: Accounting): string {
  const excluded = Object.entries(a.packets.excluded).filter(([, n]) => n > 0);
  const reasons = excluded.map(([reason, n]) => `${exact(n)} ${reason}`).join(', ');
  const total = excluded.reduce((sum, [, n]) => sum + n, 0);
  const { packets: unseen } = a.unseen;
  const told =
    unseen === 0 ? '' : ` ${unseen > 0 ? '+' : '-'} ${exact(Math.abs(unseen))} told of by the firewall alone`;
  const extra = [
    a.entries.nodata > 0 ? `${exact(a.entries.nodata)} NODATA` : '',
    a.entries.skipdata > 0 ? `${exact(a.entries.skipdata)} SKIPDATA` : '',
    a.entries.supplementary > 0 ? `${exact(a.entries.supplementary)} supplementary` : '',
    a.closedEarly > 0 ? `${exact(a.closedEarly)} closed early` : '',
    (a.uncollected?.entries ?? 0) > 0 ? `${exact(a.uncollected!.entries)} that no flow log takes` : '',
  ].filter(Boolean);
  return (
    `${quantity(a.packets.seen, 'packet', 'packets')} seen${told} = ${exact(a.packets.logged)} logged + ` +
    `${exact(total)} excluded${reasons ? ` (${reasons})` : ''}; ` +
    `${quantity(a.entries.ok + a.entries.supplementary, 'entry', 'entries')}${extra.length > 0 ? `, ${extra.join(', ')}` : ''}`
  );
}
