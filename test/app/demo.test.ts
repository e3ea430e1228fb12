// `windrow demo`: what a first look leaves behind, and that it is true.
import { beforeAll, describe, expect, test } from 'vitest';
import type { Accounting } from '../../src/flowlog/accounting.ts';
import { entriesOf } from './entry_line.ts';
import { Workplace, windrow } from './program.ts';
import type { Ended } from './program.ts';

const workplace = new Workplace();

describe('the demo', () => {
  let end: Ended;
  beforeAll(async () => {
    end = await windrow(['demo', workplace.at('first/look')]);
  });

  test('shows flows, windows and books, and where everything is', () => {
    expect({ code: end.code, stderr: end.stderr }).toEqual({ code: 0, stderr: '' });
    for (const part of ['Largest flows', 'Traffic by window', 'Accounting']) expect(end.stdout).toContain(part);
    for (const name of ['office.pcap', 'entries.ndjson', 'accounting.json']) {
      expect(workplace.has(`first/look/${name}`)).toBe(true);
      expect(end.stdout).toContain(workplace.at(`first/look/${name}`));
    }
    expect(end.stdout).toContain(workplace.read('first/look/entries.ndjson').split('\n')[0]);
  });

  test('leaves entries that the second count confirms', async () => {
    const [capture, entries] = ['office.pcap', 'entries.ndjson'].map((name) => workplace.at(`first/look/${name}`));
    const verified = await windrow(['verify', capture, entries, '--window', '60']);
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(verified.stdout).toMatch(/^equal: \d{3,} entries, [\d,]+ packets recounted\n$/);
  });

  test('leaves books that balance with its entries', () => {
    const books = JSON.parse(workplace.read('first/look/accounting.json')) as Accounting;
    const entries = entriesOf(workplace.read('first/look/entries.ndjson'));
    const logged = entries.filter((entry) => entry['log-status'] === 'OK');
    const sum = (key: 'packets' | 'bytes'): number => logged.reduce((total, entry) => total + Number(entry[key]), 0);
    expect([sum('packets'), sum('bytes')]).toEqual([books.packets.logged, books.bytes.logged]);
    expect(books.entries).toMatchObject({ ok: logged.length, nodata: 5, skipdata: 0, supplementary: 0 });
    const { not_ip, multicast, broadcast, malformed, truncated } = books.packets.excluded;
    expect(books.packets.seen).toBe(books.packets.logged + not_ip + multicast + broadcast);
    expect([not_ip > 0, multicast > 0, broadcast > 0, malformed, truncated]).toEqual([true, true, true, 0, 0]);
  });

  test('is the same at every run', async () => {
    await windrow(['demo', workplace.at('again')]);
    for (const name of ['office.pcap', 'entries.ndjson', 'accounting.json']) {
      expect(workplace.read(`again/${name}`) === workplace.read(`first/look/${name}`)).toBe(true);
    }
  });
});

test('a demo that cannot be written ends with one line', async () => {
  const { code, stdout, stderr } = await windrow(['demo', `${workplace.file('a file')}/inside`]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^windrow: [^\n]+cannot be written: [^\n]+\n$/);
});
