// Batches as they lie in the spool: what goes in comes out, and what is no shipment is known by that.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packShipment, unpackShipment } from '../../src/kafka/shipment.ts';

test('whatever goes in comes out, wherever it lies in memory', () => {
  fc.assert(
    fc.property(
      fc.record({ takenMs: fc.nat(2 ** 50), key: fc.string({ unit: 'grapheme' }), message: fc.uint8Array() }),
      fc.nat(20),
      (shipment, offset) => {
        const payload = packShipment(shipment);
        const memory = new Uint8Array(offset + payload.length + 7).fill(255);
        memory.set(payload, offset);
        const { message, ...rest } = unpackShipment(memory.subarray(offset, offset + payload.length))!;
        expect({ ...rest, message: Uint8Array.from(message) }).toEqual(shipment);
      },
    ),
  );
});

test('the message is not copied', () => {
  const payload = packShipment({ takenMs: 1, key: 'eni-1', message: Uint8Array.of(1, 2, 3) });
  payload[payload.length - 1] = 9;
  expect([...unpackShipment(payload)!.message]).toEqual([1, 2, 9]);
});

test('what is cut off before its message is no shipment', () => {
  const payload = packShipment({ takenMs: 1, key: 'eni-1', message: new Uint8Array(0) });
  expect(unpackShipment(payload)?.key).toBe('eni-1');
  for (let length = 0; length < payload.length; length++) {
    expect(unpackShipment(payload.subarray(0, length))).toBeUndefined();
  }
});

test('a key that is too long for its place is refused', () => {
  const shipment = { takenMs: 1, key: 'é'.repeat(32_767), message: new Uint8Array(1) };
  expect(unpackShipment(packShipment(shipment))?.key).toBe(shipment.key);
  expect(() => packShipment({ ...shipment, key: `${shipment.key}é` })).toThrow(RangeError);
});
