// Batches as messages: what is written is what windrow.proto says, to any reader of protobuf; what is read is a batch, or is
// refused with a reason.
import fs from 'node:fs';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { VERDICT_SOURCES } from '../../src/cloud/verdicts.ts';
import type { Batch } from '../../src/flowlog/batch.ts';
import { STATUS } from '../../src/flowlog/columns.ts';
import { PACKED_COLUMNS } from '../../src/flowlog/packed_columns.ts';
import { Unpacker } from '../../src/flowlog/unpacker.ts';
import { BATCH_VERSION, BatchRefused, decodeBatch, encodeBatch } from '../../src/kafka/codec.ts';
import { packed, rowsOf, rulesOf } from '../native/packed_model.ts';
import type { Row } from '../native/packed_model.ts';
import { ROW, judged, silence } from '../native/packed_rows.ts';

/** A reader of its own: all fields as the schema has them, 64 bits without loss. */
const SCHEMA = protobuf
  .parse(fs.readFileSync(new URL('../../src/kafka/windrow.proto', import.meta.url), 'utf8'), new protobuf.Root(), {
    keepCase: true,
    alternateCommentMode: true,
  })
  .root.resolveAll();
const MESSAGE = SCHEMA.lookupType('windrow.v1.FlowLogBatch');
const STATUSES = ['ok', 'nodata', 'skipdata'] as const;

type Plain = Record<string, unknown>;

function readPlain(message: Uint8Array): Plain {
  return MESSAGE.toObject(MESSAGE.decode(message), {
    longs: String,
    arrays: true,
    bytes: Array,
    defaults: true,
  });
}

function writePlain(plain: Plain): Uint8Array {
  return MESSAGE.encode(MESSAGE.fromObject(plain)).finish();
}

function batchOf(rows: readonly Row[], fields: Partial<Batch> = {}): Batch {
  const windowStart = fields.windowStart ?? 1_700_000_000;
  const columns = packed(rows, windowStart, fields.reasons ? 'with reasons' : 'without');
  return {
    identity: { agent: 'agent', boot: 3, sequence: 17 },
    flowLog: { name: 'fl', project: 'project', logstore: 'logs' },
    eni: { eniId: 'eni-1', accountId: '-', vmId: 'vm-1', vpcId: '-', vswitchId: '-' },
    windowStart,
    windowSeconds: 600,
    status: STATUSES[rows[0]?.status ?? 0],
    entries: rows.length,
    columns: PACKED_COLUMNS.map(({ name }) => Uint8Array.from(columns[name])),
    ...fields,
  };
}

/** What a plain reader is to find. */
function plainOf(batch: Batch, rows: readonly Row[]): Plain {
  const { identity, flowLog, eni } = batch;
  const empty = (id: string): string => (id === '-' ? '' : id);
  const ok = rows.filter((row) => row.status === STATUS.ok);
  const judged = batch.reasons ? ok : [];
  const offset = (time: bigint): string => String(BigInt.asUintN(64, time - BigInt(batch.windowStart)));
  return {
    version: 1,
    identity: { agent: identity.agent, boot: String(identity.boot), sequence: String(identity.sequence) },
    flow_log: flowLog,
    eni: {
      eni_id: empty(eni.eniId),
      account_id: empty(eni.accountId),
      vm_id: empty(eni.vmId),
      vpc_id: empty(eni.vpcId),
      vswitch_id: empty(eni.vswitchId),
    },
    window_start: String(batch.windowStart),
    window_seconds: batch.windowSeconds,
    status: STATUSES.indexOf(batch.status),
    entries: rows.length,
    packets: ok.map((row) => String(row.packets)),
    bytes: ok.map((row) => String(row.bytes)),
    start: rows.map((row) => offset(row.start)),
    end: rows.map((row) => offset(row.end)),
    srcport: ok.map((row) => row.srcport),
    dstport: ok.map((row) => row.dstport),
    tcp_flags: ok.map((row) => Math.max(0, row.tcp_flags)),
    traffic_path: ok.map((row) => row.traffic_path),
    direction: ok.map((row) => row.direction),
    action: ok.map((row) => row.action),
    family: ok.map((row) => (row.family === 6 ? 1 : 0)),
    protocol: ok.map((row) => row.protocol),
    srcaddr: ok.flatMap((row) => row.srcaddr),
    dstaddr: ok.flatMap((row) => row.dstaddr),
    reasons: batch.reasons ? { rules: batch.reasons.rules, is_of_flow_logs: batch.reasons.isOfFlowLogs } : null,
    rule: judged.map(({ rule }) => rulesOf(rows).indexOf(rule!)),
    verdict_source: judged.map(({ source }) => source),
  };
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const id = fc.oneof(text, fc.constant('-'));
const rows = fc.oneof(
  fc.array(judged(1), { minLength: 1, maxLength: 20 }),
  silence(1).map((all) => all.map((row) => ({ ...row, eni: 0 }))),
);
const batches = fc
  .tuple(
    rows,
    fc.record({
      identity: fc.record({
        agent: text,
        boot: fc.maxSafeNat(),
        sequence: fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER)),
      }),
      flowLog: fc.record({ name: fc.string(), project: text, logstore: text }),
      eni: fc.record({ eniId: id, accountId: id, vmId: id, vpcId: id, vswitchId: id }),
      windowStart: fc.oneof(fc.integer({ min: 1_600_000_000, max: 1_900_000_000 }), fc.maxSafeInteger()),
      windowSeconds: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    }),
  )
  .chain(([all, fields]) =>
    fc.option(fc.record({ name: fc.string(), isOfFlowLogs: fc.boolean() })).map((said) => {
      const reasons = said && {
        rules: rulesOf(all).map((rule) => `${said.name}${rule}`),
        isOfFlowLogs: said.isOfFlowLogs,
      };
      return { batch: batchOf(all, reasons ? { ...fields, reasons } : fields), all };
    }),
  );

function reasonOf(message: Uint8Array | null): BatchRefused {
  try {
    decodeBatch(message);
  } catch (error) {
    expect(error).toBeInstanceOf(BatchRefused);
    return error as BatchRefused;
  }
  throw new Error('it was not refused');
}

/** The same with memory of its own. */
function copyOf(batch: Batch): Batch {
  return { ...batch, columns: batch.columns.map((column) => Uint8Array.from(column)) };
}

describe('a batch', () => {
  test('that was written is the same when it is read', () => {
    fc.assert(
      fc.property(batches, ({ batch }) => {
        expect(copyOf(decodeBatch(encodeBatch(batch)))).toEqual(batch);
      }),
    );
  });

  test('is to any reader of the schema what its rows are, to the last of 64 bits', () => {
    fc.assert(
      fc.property(batches, ({ batch, all }) => {
        expect(readPlain(encodeBatch(batch))).toEqual(plainOf(batch, all));
      }),
    );
    const greatest = (1n << 64n) - 1n;
    const plain = readPlain(encodeBatch(batchOf([{ ...ROW, packets: greatest, bytes: greatest - 1n }])));
    expect(plain).toMatchObject({ packets: ['18446744073709551615'], bytes: ['18446744073709551614'] });
  });

  test('of any writer of the schema is read as its rows', () => {
    const unpacker = new Unpacker();
    fc.assert(
      fc.property(batches, ({ batch, all }) => {
        const read = decodeBatch(writePlain(plainOf(batch, all)));
        expect(copyOf(read)).toEqual(batch);
        expect(unpacker.unpack(read)).toBeUndefined();
        const times = all.map(({ start, end, status }) => ({ start, end, status }));
        const found = rowsOf(unpacker.columns, all.length);
        const [rules, has] = [rulesOf(all), batch.reasons !== undefined];
        const own = { eni: 0, twin: 0, rule: 0, source: 0 };
        const places = all.map((row) => ({
          ...row,
          ...own,
          ...(has && { rule: rules.indexOf(row.rule!), source: row.source }),
        }));
        if (batch.status === 'ok') expect(found).toEqual(places);
        else expect(found).toMatchObject(times);
      }),
    );
  });

  test('has ids that are not known as nothing, and reads nothing as not known', () => {
    const nobody = { eniId: '-', accountId: '-', vmId: '-', vpcId: '-', vswitchId: '-' };
    const message = encodeBatch(batchOf([ROW], { eni: nobody }));
    expect(readPlain(message).eni).toEqual({ eni_id: '', account_id: '', vm_id: '', vpc_id: '', vswitch_id: '' });
    expect(decodeBatch(message).eni).toEqual(nobody);
    const { eni: gone, ...without } = plainOf(batchOf([ROW]), [ROW]);
    expect(gone).toBeDefined();
    expect(decodeBatch(writePlain(without)).eni).toEqual(nobody);
  });

  test('without reasons is the same bytes as before there were any, and these are read', () => {
    const before =
      '0801120b0a056167656e74100318111a130a02666c120770726f6a6563741a046c6f6773220d0a05656e692d311a04766d2d312880e2cfaa' +
      '0630d8044001820101038a0102b401920101019a0102ac02a201040a000001aa0104c0000207b20102f606ba0103a08d06c201011bca0101' +
      '01d2010101da010100e2010100ea010106';
    expect(Buffer.from(encodeBatch(batchOf([ROW]))).toString('hex')).toBe(before);
    const read = decodeBatch(Buffer.from(before, 'hex'));
    expect(copyOf(read)).toEqual(batchOf([ROW]));
    expect(read).not.toHaveProperty('reasons');
    expect(new Unpacker().unpack(read)).toBeUndefined();
  });

  test('with reasons is the same batch to who does not know them', () => {
    const text = fs.readFileSync(new URL('../../src/kafka/windrow.proto', import.meta.url), 'utf8');
    const older = text.replaceAll(/^.* (reasons|rule|verdict_source) = \d+;\n/gm, '');
    const known = protobuf
      .parse(older, new protobuf.Root(), { keepCase: true })
      .root.lookupType('windrow.v1.FlowLogBatch');
    expect(known.fieldsArray).toHaveLength(MESSAGE.fieldsArray.length - 3);
    const toObject = (message: Uint8Array): Plain =>
      known.toObject(known.decode(message), { longs: String, bytes: Array });
    fc.assert(
      fc.property(batches, ({ batch, all }) => {
        const { reasons, ...plain } = batch;
        const columns = packed(all, batch.windowStart);
        const without = { ...plain, columns: PACKED_COLUMNS.map(({ name }) => Uint8Array.from(columns[name])) };
        expect(toObject(encodeBatch(batch))).toEqual(toObject(encodeBatch(without)));
        if (reasons) expect(encodeBatch(batch).length).toBeGreaterThan(encodeBatch(without).length);
      }),
    );
  });

  test('with fields that are not known yet is read all the same', () => {
    const message = encodeBatch(batchOf([ROW]));
    const more = protobuf.Writer.create()
      .uint32(tag(1000, WIRE.varint))
      .uint64(7)
      .uint32(tag(1001, WIRE.bytes))
      .string('more')
      .uint32(tag(1002, WIRE.fixed64))
      .fixed64(7)
      .uint32(tag(1003, WIRE.fixed32))
      .fixed32(7)
      .uint32(tag(1004, WIRE.group))
      .uint32(tag(1, WIRE.varint))
      .uint32(7)
      .uint32(tag(1004, WIRE.groupEnd))
      .finish();
    for (const joined of [Buffer.concat([message, more]), Buffer.concat([more, message])]) {
      expect(copyOf(decodeBatch(joined))).toEqual(batchOf([ROW]));
    }
  });
});

const WIRE = { varint: 0, fixed64: 1, bytes: 2, group: 3, groupEnd: 4, fixed32: 5 } as const;

function tag(field: number, wire: number): number {
  return field * 8 + wire;
}

describe('a message is refused', () => {
  const plain = plainOf(batchOf([ROW]), [ROW]);

  test('as empty where there is nothing in it', () => {
    expect(reasonOf(null).refusal).toBe('empty');
    expect(reasonOf(new Uint8Array(0)).refusal).toBe('empty');
  });

  test.each([2, 3, 2 ** 32 - 1])(
    'as of a newer version where it is of version %i, whatever else is in it',
    (version) => {
      const found = `a batch of version ${version}, and this Windrow reads up to version ${BATCH_VERSION}: update it`;
      for (const fields of [{ ...plain, version }, { version }]) {
        expect(reasonOf(writePlain(fields))).toMatchObject({ refusal: 'version', message: found });
      }
      // Its fields may have become others.
      const others = protobuf.Writer.create().uint32(tag(1, WIRE.varint)).uint32(version);
      for (const field of [2, 3, 7, 16]) others.uint32(tag(field, WIRE.fixed32)).fixed32(1);
      expect(reasonOf(others.finish()).refusal).toBe('version');
    },
  );

  test.each<[string, Plain, string]>([
    ['version', {}, 'expected a version, found none: not a FlowLogBatch'],
    ['identity', {}, 'expected the identity of the batch, found none'],
    ['identity', { identity: { boot: 1 } }, 'expected the identity of the batch, found none'],
    ['flow_log', {}, 'expected a project and a logstore'],
    ['flow_log', { flow_log: { project: 'p' } }, 'expected a project and a logstore'],
    ['flow_log', { flow_log: { logstore: 'l' } }, 'expected a project and a logstore'],
    ['window_seconds', {}, 'expected the length of the window, found none'],
    ['status', { status: 3 }, 'expected a status of 0 to 2, found 3'],
    ['status', { status: -1 }, 'expected a status of 0 to 2, found -1'],
    ['window_start', { window_start: '9007199254740992' }, 'window_start: expected at most 2^53, found more'],
    ['window_start', { window_start: '-9007199254740992' }, 'window_start: expected at most 2^53, found more'],
    ['identity', { identity: { agent: 'a', boot: '9007199254740992' } }, 'boot: expected at most 2^53, found more'],
    [
      'identity',
      { identity: { agent: 'a', sequence: '18446744073709551615' } },
      'sequence: expected at most 2^53, found more',
    ],
  ])('as malformed where %s is missing or wrong: %j', (field, value, reason) => {
    const { [field]: gone, ...others } = plain;
    expect(gone).toBeDefined();
    expect(reasonOf(writePlain({ ...others, ...value }))).toMatchObject({ refusal: 'malformed', message: reason });
  });

  test.each([
    ['identity', 'agent'],
    ['flow_log', 'name'],
    ['flow_log', 'project'],
    ['flow_log', 'logstore'],
    ['eni', 'eni_id'],
    ['eni', 'account_id'],
    ['eni', 'vm_id'],
    ['eni', 'vpc_id'],
    ['eni', 'vswitch_id'],
  ])('as malformed where %s.%s has more than 256 characters, and not where it has 256', (part, name) => {
    const withText = (length: number): Uint8Array =>
      writePlain({ ...plain, [part]: { ...(plain[part] as Plain), [name]: 'é'.repeat(length) } });
    expect(JSON.stringify(decodeBatch(withText(256)))).toContain('é'.repeat(256));
    expect(reasonOf(withText(257))).toMatchObject({
      refusal: 'malformed',
      message: 'expected names and ids of at most 256 characters, found 257',
    });
  });

  test('as malformed where it has more rules than entries, or one with a name that no rule has', () => {
    const reasons = (rules: readonly string[]): Uint8Array => writePlain({ ...plain, reasons: { rules } });
    expect(decodeBatch(reasons(['x'.repeat(1024)])).reasons).toEqual({
      rules: ['x'.repeat(1024)],
      isOfFlowLogs: false,
    });
    expect(reasonOf(reasons(['a', 'b']))).toMatchObject({
      refusal: 'malformed',
      message: 'expected at most as many rules as entries, found 2',
    });
    expect(reasonOf(reasons(['x'.repeat(1025)]))).toMatchObject({
      refusal: 'malformed',
      message: 'expected names of rules of at most 1024 characters, found 1025',
    });
  });

  test('by its columns where reasons and these do not fit together', () => {
    const unpacker = new Unpacker();
    const judged = plainOf(batchOf([ROW], { reasons: { rules: ['-'], isOfFlowLogs: false } }), [ROW]);
    const unpack = (fields: Plain): string | undefined =>
      unpacker.unpack(decodeBatch(writePlain({ ...judged, ...fields })));
    expect(unpack({})).toBeUndefined();
    expect(unpack({ rule: [1] })).toBe('rule: expected 0 to 0, found 1 in entry 0');
    expect(unpack({ rule: [] })).toBe('rule: expected 1 values, found 0');
    expect(unpack({ reasons: { rules: [] } })).toBe('rule: expected names of rules, found none');
    expect(unpack({ verdict_source: [4] })).toBe('verdict_source: expected 0 to 3, found 4 in entry 0');
    expect(unpack({ reasons: null })).toBe('rule: expected nothing, as the batch has no reasons, found 1 bytes');
  });

  test('as malformed where it is cut off, also where only its columns are', () => {
    const message = encodeBatch(batchOf([ROW, { ...ROW, srcport: 5 }]));
    const unpacker = new Unpacker();
    const whys = new Set<string>();
    for (let size = 1; size < message.length; size++) {
      let batch: Batch;
      try {
        batch = decodeBatch(message.subarray(0, size));
      } catch (error) {
        whys.add((error as BatchRefused).refusal);
        continue;
      }
      // The number of entries stands before the columns.
      if (batch.entries > 0) expect(unpacker.unpack(batch)).toMatch(/: expected .*, found /);
      whys.add(`${batch.entries} entries`);
    }
    expect([...whys].sort()).toEqual(['0 entries', '2 entries', 'malformed']);
  });
});

describe('bytes of anybody', () => {
  const unpacker = new Unpacker();

  /** A batch that can be unpacked or cannot, or a refusal; nothing else. */
  function look(message: Uint8Array): 'read' | 'refused' {
    try {
      const batch = decodeBatch(message);
      const reason = unpacker.unpack(batch);
      if (reason !== undefined) expect(reason).toMatch(/^[a-z_]+: expected .*, found /);
      return 'read';
    } catch (error) {
      expect(error).toBeInstanceOf(BatchRefused);
      expect((error as BatchRefused).message).not.toBe('');
      return 'refused';
    }
  }

  test('are a batch, or are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        look(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  test('that were a batch before some were changed are a batch, or are refused', () => {
    const change = fc.tuple(fc.nat(), fc.nat(255));
    const seen = { read: 0, refused: 0 };
    fc.assert(
      fc.property(batches, fc.array(change, { minLength: 1, maxLength: 8 }), ({ batch }, changes) => {
        const message = Uint8Array.from(encodeBatch(batch));
        for (const [at, byte] of changes) message[at % message.length] = byte;
        seen[look(message)]++;
      }),
      { numRuns: 2000 },
    );
    expect(seen.read).toBeGreaterThan(100);
    expect(seen.refused).toBeGreaterThan(100);
  });

  test('that promise more than there is, or nest without end, are refused', () => {
    const huge = protobuf.Writer.create()
      .uint32(tag(20, WIRE.bytes))
      .uint32(2 ** 31)
      .finish();
    expect(look(huge)).toBe('refused');
    expect(look(new Uint8Array(1_000_000).fill(tag(9, WIRE.group)))).toBe('refused');
    expect(look(new Uint8Array(100).fill(0xff))).toBe('refused');
    expect(look(Uint8Array.from([0, 0, 0]))).toBe('refused');
  });

  test('whose entries are more than their columns are not believed', () => {
    const message = writePlain({ ...plainOf(batchOf([ROW]), [ROW]), entries: 2 ** 32 - 1 });
    expect(unpacker.unpack(decodeBatch(message))).toBe('start: expected 4294967295 values, found 1 bytes');
  });

  test('of a column in parts, or of values one by one, are not read as other values', () => {
    const rest = plainOf(batchOf([ROW, ROW, ROW]), [ROW, ROW, ROW]);
    const { srcport: gone, ...others } = rest;
    expect(gone).toBeDefined();
    const parts = protobuf.Writer.create();
    for (const port of [1, 2, 3]) parts.uint32(tag(22, WIRE.bytes)).fork().sint32(port).ldelim();
    const single = protobuf.Writer.create();
    for (const port of [1, 2, 3]) single.uint32(tag(22, WIRE.varint)).sint32(port);
    for (const column of [parts, single]) {
      const message = Buffer.concat([writePlain(others), column.finish()]);
      expect((readPlain(message).srcport as number[]).join()).toBe('1,2,3');
      expect(unpacker.unpack(decodeBatch(message))).toMatch(/^srcport: expected 3 values, found /);
    }
  });
});

describe('the schema', () => {
  const TYPES: Readonly<Record<(typeof PACKED_COLUMNS)[number]['kind'], readonly string[]>> = {
    uint64: ['uint64'],
    uint32: ['uint32'],
    sint32: ['sint32'],
    enum: ['Direction', 'Action', 'Family', 'VerdictSource'],
    bytes: ['bytes'],
  };
  /** Those before the columns have lower numbers. */
  const columns = MESSAGE.fieldsArray.filter((field) => field.id >= 16);

  test('has the columns in their order, each of the type that is packed', () => {
    expect(columns.map(({ name }) => name)).toEqual(PACKED_COLUMNS.map(({ name }) => name));
    expect(columns.map(({ id }) => id)).toEqual(PACKED_COLUMNS.map((_, i) => 16 + i));
    for (const [i, { kind }] of PACKED_COLUMNS.entries()) {
      expect(TYPES[kind]).toContain(columns[i].type);
      expect(columns[i].repeated).toBe(kind !== 'bytes');
      if (kind !== 'bytes') expect(columns[i].packed).toBe(true);
    }
  });

  test('knows the values of each column of names, and three statuses', () => {
    const values = (name: string): Record<string, number> => SCHEMA.lookupEnum(`windrow.v1.${name}`).values;
    expect(values('Direction')).toEqual({ IN: 0, OUT: 1 });
    expect(values('Action')).toEqual({ ACCEPT: 0, REJECT: 1 });
    expect(values('Family')).toEqual({ IPV4: 0, IPV6: 1 });
    const sources = VERDICT_SOURCES.map((name, i) => [name.replace('-', '_').toUpperCase(), i] as const);
    expect(values('VerdictSource')).toEqual(Object.fromEntries(sources));
    expect(values('LogStatus')).toEqual({ OK: STATUS.ok, NODATA: STATUS.nodata, SKIPDATA: STATUS.skipdata });
  });

  test('says of each field what it is', () => {
    const messages = SCHEMA.lookup('windrow.v1') as protobuf.Namespace;
    const fields = messages.nestedArray.flatMap((type) => (type instanceof protobuf.Type ? type.fieldsArray : []));
    expect(fields.length).toBeGreaterThan(30);
    expect(fields.filter(({ comment }) => !comment).map(({ fullName }) => fullName)).toEqual([]);
  });
});
