// Random rows of entries: everything that a row can say, the extremes of it often.
import fc from 'fast-check';
import { STATUS } from '../../src/flowlog/columns.ts';
import type { Row } from './packed_model.ts';

const address = (size: number): fc.Arbitrary<number[]> => fc.array(fc.nat(255), { minLength: size, maxLength: size });
/** Of every length that a varint can have. */
const count = fc.oneof(
  fc.bigInt({ min: 0n, max: 300n }),
  fc.tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: -1, max: 1 })).map(([bits, by]) => {
    const near = (1n << BigInt(bits)) + BigInt(by);
    return near < 0n ? 0n : near;
  }),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.constant((1n << 64n) - 1n),
);
const time = fc.oneof(
  fc.bigInt({ min: 1_700_000_000n, max: 1_700_000_600n }),
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  fc.constantFrom(-(1n << 63n), (1n << 63n) - 1n, 0n, -1n),
);
const port = fc.oneof(fc.constantFrom(-1, 0, 63, 64, 443, 8191, 8192, 65535), fc.integer({ min: -1, max: 65535 }));

/** Rows with traffic, of ENIs below `enis`. */
export function traffic(enis: number): fc.Arbitrary<Row> {
  const fields = fc.record({
    ...{ packets: count, bytes: count, start: time, end: time, srcport: port, dstport: port },
    ...{ eni: fc.nat(enis - 1), direction: fc.nat(1), action: fc.nat(1), twin: fc.nat(1) },
    protocol: fc.oneof(fc.constantFrom(6, 17, 1, 255), fc.nat(255)),
    traffic_path: fc.oneof(fc.constantFrom(-1, 0, 1, 32767), fc.integer({ min: -1, max: 32767 })),
  });
  const ends = fc.oneof(
    fc.record({ family: fc.constant(4), srcaddr: address(4), dstaddr: address(4) }),
    fc.record({ family: fc.constant(6), srcaddr: address(16), dstaddr: address(16) }),
  );
  return fc.tuple(fields, ends, fc.nat(255)).map(([row, addresses, flags]) => ({
    ...row,
    ...addresses,
    tcp_flags: row.protocol === 6 ? flags : -1,
    status: STATUS.ok,
    ...{ rule: 0, source: 0 },
  }));
}

/** Rows with traffic that were judged, by few rules mostly. */
export function judged(enis: number): fc.Arbitrary<Row> {
  const rule = fc.oneof(fc.nat(3), fc.constantFrom(0, 127, 128, 2 ** 21, 2 ** 32 - 1), fc.nat(2 ** 32 - 1));
  return fc.tuple(traffic(enis), rule, fc.nat(3)).map(([row, rule, source]) => ({ ...row, rule, source }));
}

/** Rows without traffic; what stands in them beside their times means nothing. */
export function silence(enis: number): fc.Arbitrary<Row[]> {
  return fc
    .tuple(fc.constantFrom(STATUS.nodata, STATUS.skipdata), fc.array(traffic(enis), { minLength: 1, maxLength: 20 }))
    .map(([status, rows]) => rows.map((row) => ({ ...row, status })));
}

/** A plain row; what a test is not about. */
export const ROW: Row = {
  packets: 3n,
  bytes: 180n,
  start: 1_700_000_001n,
  end: 1_700_000_300n,
  srcaddr: [10, 0, 0, 1],
  dstaddr: [192, 0, 2, 7],
  eni: 0,
  srcport: 443,
  dstport: 50_000,
  tcp_flags: 27,
  traffic_path: -1,
  status: STATUS.ok,
  direction: 1,
  action: 0,
  family: 4,
  protocol: 6,
  twin: 0,
  rule: 0,
  source: 0,
};
