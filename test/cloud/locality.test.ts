// What a user says of the network, read: ENIs by every kind of name, ranges that are inside, and what is refused.
import { describe, expect, test } from 'vitest';
import { WindrowError } from '../../src/base/errors.ts';
import { DIRECTION_RULES, DIRECTION_RULE_DOCS, eniOfInterface, readLocality } from '../../src/cloud/locality.ts';

function refusal(local: string[], eni: string[]): string {
  try {
    readLocality(local, eni);
  } catch (error) {
    expect(error).toBeInstanceOf(WindrowError);
    expect((error as WindrowError).exitCode).toBe(2);
    return (error as WindrowError).message;
  }
  return 'accepted';
}

describe('--eni', () => {
  const { enis, native } = readLocality(
    [],
    [
      'a=10.0.0.1',
      'b=2001:db8::1',
      'c=02:00:00:00:00:0A',
      'd=0200-0000',
      'e=eth0.100',
      'f=3',
      'a=02-00-00-00-00-0b',
      'g',
    ],
  );

  test('is told apart into addresses, MACs and interfaces', () => {
    expect(native.eniOfAddress).toEqual([
      { address: Uint8Array.of(10, 0, 0, 1), eni: 0 },
      { address: Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), eni: 1 },
    ]);
    expect(native.eniOfMac).toEqual([
      { mac: Uint8Array.of(2, 0, 0, 0, 0, 10), eni: 2 },
      { mac: Uint8Array.of(2, 0, 0, 0, 0, 11), eni: 0 },
    ]);
    expect(native.eniOfInterface).toEqual([
      { interface: '0200-0000', eni: 3 },
      { interface: 'eth0.100', eni: 4 },
      { interface: '3', eni: 5 },
    ]);
    expect(native.eniOfAll).toBe(6);
  });

  test('gives an id that comes twice one number', () => {
    expect(enis.map(({ eniId }) => eniId)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    expect(native.eniCount).toBe(7);
  });

  test('knows nothing but the id of an ENI', () => {
    expect(enis[0]).toEqual({ eniId: 'a', accountId: '-', vmId: '-', vpcId: '-', vswitchId: '-' });
    expect(eniOfInterface(4).eniId).toBe('eni-if4');
  });

  test('refuses what has no id or no end, and a second ENI of all traffic', () => {
    for (const value of ['', '=', '=10.0.0.1', 'a=', 'x'.repeat(257)]) {
      expect(refusal([], [value])).toBe(`--eni ${value}: expected ID, ID=ADDRESS, ID=MAC or ID=INTERFACE`);
    }
    expect(refusal([], ['a', 'b'])).toMatch(/^--eni b: only one ENI/);
    expect(refusal([], ['a', 'b=10.0.0.1'])).toBe('accepted');
  });

  test('without any is no ENI at all', () => {
    const none = readLocality([], []);
    expect(none.enis).toEqual([]);
    expect(none.native).toEqual({
      eniCount: 0,
      eniOfAll: -1,
      eniOfInterface: [],
      eniOfAddress: [],
      eniOfMac: [],
      local: [],
    });
  });
});

describe('--local', () => {
  test('takes ranges, and addresses as ranges of one', () => {
    const { local } = readLocality(['10.0.0.0/8', 'fd00::/8', '192.0.2.1', '2001:db8::1', '0.0.0.0/0'], []).native;
    expect(local.map(({ address, length }) => [address.length, length])).toEqual([
      [4, 8],
      [16, 8],
      [4, 32],
      [16, 128],
      [4, 0],
    ]);
    expect(local[2].address).toEqual(Uint8Array.of(192, 0, 2, 1));
  });

  test('refuses what is no range', () => {
    for (const text of ['10.0.0.0/33', 'fd00::/129', 'here', '10.0.0/8/9', '10.0.0.0/', '10.0.0.256', '/8']) {
      expect(refusal([text], [])).toBe(`--local ${text}: expected CIDR blocks such as 10.0.0.0/8,fd00::/8`);
    }
  });

  test('refuses addresses that are not written out, which would mean another address than they show', () => {
    for (const text of ['10/8', '10.1/16', '0x0a.0.0.0/8', '012.0.0.0/8', '167772160/8']) {
      expect(refusal([text], [])).toMatch(/expected CIDR/);
    }
  });
});

test('every rule of direction is explained', () => {
  expect(Object.keys(DIRECTION_RULE_DOCS)).toEqual([...DIRECTION_RULES]);
});
