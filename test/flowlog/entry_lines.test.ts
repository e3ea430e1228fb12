// Lines of batches as they arrive: with their reasons where they have any, whatever these look like, and however many.
import { expect, test } from 'vitest';
import type { Batch } from '../../src/flowlog/batch.ts';
import { STATUS } from '../../src/flowlog/columns.ts';
import { EntryLines } from '../../src/flowlog/entry_lines.ts';
import { PACKED_COLUMNS } from '../../src/flowlog/packed_columns.ts';
import { Unpacker } from '../../src/flowlog/unpacker.ts';
import { WINDOW_START } from '../native/packed_calls.ts';
import { packed } from '../native/packed_model.ts';
import type { Row } from '../native/packed_model.ts';
import { ROW } from '../native/packed_rows.ts';

const STATUSES = ['ok', 'nodata', 'skipdata'] as const;
/** What a writer of lines has at least. */
const LEAST_ROOM = 64 * 1024;
const REASON_KEYS = 21;

/** `rules`: names by numbers that rows have, all of them. */
function batchOf(rows: readonly Row[], fields: Partial<Batch> = {}): Batch {
  const columns = packed(rows, WINDOW_START, fields.reasons ? 'with reasons' : 'without');
  return {
    identity: { agent: 'agent', boot: 1, sequence: 0 },
    flowLog: { name: 'fl', project: 'p', logstore: 'l' },
    eni: { eniId: 'eni-1', accountId: '-', vmId: '-', vpcId: '-', vswitchId: '-' },
    windowStart: WINDOW_START,
    windowSeconds: 600,
    status: STATUSES[rows[0].status],
    entries: rows.length,
    columns: PACKED_COLUMNS.map(({ name }) => Uint8Array.from(columns[name])),
    ...fields,
  };
}

async function linesOf(batch: Batch, encoder = new EntryLines()): Promise<string[]> {
  const unpacker = new Unpacker();
  expect(unpacker.unpack(batch)).toBeUndefined();
  const room = new Uint8Array(LEAST_ROOM);
  const parts: string[] = [];
  const wrote = (bytes: number): void => void parts.push(Buffer.from(room.subarray(0, bytes)).toString());
  await encoder.write(batch, unpacker.columns, { room: () => room, wrote });
  return parts.join('').split('\n').slice(0, -1);
}

async function reasonsOf(batch: Batch, encoder?: EntryLines): Promise<[string, string][][]> {
  const lines = await linesOf(batch, encoder);
  return lines.map((line) => Object.entries(JSON.parse(line) as Record<string, string>).slice(REASON_KEYS));
}

const judged = (rule: number, source: number): Row => ({ ...ROW, rule, source });

test('entries say the names of their rules, and those of other batches say nothing, by one encoder', async () => {
  const encoder = new EntryLines();
  const rows = [judged(9, 3), judged(4, 2), judged(9, 3), judged(0, 1)];
  const names = (...rules: readonly string[]): Batch => batchOf(rows, { reasons: { rules, isOfFlowLogs: false } });
  for (let time = 0; time < 2; time++) {
    expect(await reasonsOf(batchOf(rows), encoder)).toEqual([[], [], [], []]);
    for (const own of ['sg/r1', 'another']) {
      expect(await reasonsOf(names('-', own, 'acl/in/r2'), encoder)).toEqual([
        Object.entries({ 'x-rule': 'acl/in/r2', 'x-verdict-source': 'network-acl' }),
        Object.entries({ 'x-rule': own, 'x-verdict-source': 'security-group' }),
        Object.entries({ 'x-rule': 'acl/in/r2', 'x-verdict-source': 'network-acl' }),
        Object.entries({ 'x-rule': '-', 'x-verdict-source': 'kernel' }),
      ]);
    }
  }
});

test('entries say their flow log where there are flow logs, each its own at the same ENI', async () => {
  const encoder = new EntryLines();
  const of = (name: string, isOfFlowLogs: boolean): Batch =>
    batchOf([judged(1, 2)], {
      flowLog: { name, project: 'p', logstore: 'l' },
      reasons: { rules: ['r'], isOfFlowLogs },
    });
  for (const name of ['one', 'two "2"', 'one']) {
    const reasons = { 'x-rule': 'r', 'x-verdict-source': 'security-group' };
    expect(await reasonsOf(of(name, true), encoder)).toEqual([Object.entries({ 'x-flow-log': name, ...reasons })]);
    expect(await reasonsOf(of(name, false), encoder)).toEqual([Object.entries(reasons)]);
  }
});

test.each(['nodata', 'skipdata'] as const)('%s was judged by nothing', async (status) => {
  const quiet = batchOf([{ ...ROW, status: STATUS[status] }], { reasons: { rules: [], isOfFlowLogs: true } });
  const reasons = { 'x-flow-log': 'fl', 'x-rule': '-', 'x-verdict-source': '-' };
  expect(await reasonsOf(quiet)).toEqual([Object.entries(reasons)]);
});

test('a line has room, however long all of its names are that a message may have', async () => {
  const [longest, id] = ['\u0001'.repeat(1024), '\u0001'.repeat(256)];
  const batch = batchOf([judged(0, 3), judged(1, 3)], {
    flowLog: { name: id, project: 'p', logstore: 'l' },
    eni: { eniId: id, accountId: id, vmId: id, vpcId: id, vswitchId: id },
    reasons: { rules: [longest, `${longest.slice(1)}\ud800`], isOfFlowLogs: true },
  });
  const lines = await linesOf(batch);
  expect(lines).toHaveLength(2);
  const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, string>);
  expect(first).toMatchObject({ 'vm-id': id, 'x-flow-log': id, 'x-rule': longest, 'x-verdict-source': 'network-acl' });
  expect(second['x-rule']).toBe(`${longest.slice(1)}\ud800`);
});

test('names of any number of batches are told right, though few are kept', async () => {
  const encoder = new EntryLines();
  const RULES = 300;
  const rows = Array.from({ length: RULES }, (_, rule) => judged(rule, 2));
  // More characters than are kept, in batches that come again.
  const numbers = Array.from({ length: 60 }, (_, i) => i);
  const name = (number: number, rule: number): string => `${number}/${rule}/${'x'.repeat(1000)}`;
  for (const number of [...numbers, ...numbers.toReversed()]) {
    const rules = rows.map(({ rule }) => name(number, rule!));
    const found = await reasonsOf(batchOf(rows, { reasons: { rules, isOfFlowLogs: false } }), encoder);
    expect(found.map(([[, rule]]) => rule)).toEqual(rules);
  }
});
