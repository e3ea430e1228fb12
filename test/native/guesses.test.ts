// Workers that read ahead have to guess where the next record begins: what looks like records and is none leads them
// astray, and never what comes out.
import { describe, expect, test } from 'vitest';
import * as p from '../packets.ts';
import { EveryManner } from './every_manner.ts';
import { FORGED, endlessBlocks, endlessRecords, forgedBlocks, forgedRecords } from './forged.ts';
import { START, enhanced, headedPcap, headedPcapng } from './headed.ts';

const manners = new EveryManner();

/** Sent packets, each with the same bytes behind its headers. */
function carriers(count: number, payload: Uint8Array): p.PcapRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    sec: START + (i >> 3),
    data: p.ethernet({}, p.ipv4({ src: `10.0.0.${i % 9}` }, p.udp({ sport: i % 31 }, payload))),
  }));
}

function pcapng(records: readonly p.PcapRecord[], isBigEndian: boolean): Uint8Array {
  return headedPcapng(
    records.map((record) => enhanced(record)),
    isBigEndian,
  );
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** How often others than the one worker guessed, and how often they were wrong; no forged packet is in any entry. */
async function guessesOf(capture: Uint8Array): Promise<{ guesses: number; wrongGuesses: number }> {
  const { one, others } = await manners.replay(capture);
  expect(one.lines.length).toBeGreaterThan(20);
  expect(one.lines.filter((line) => line.includes(FORGED))).toEqual([]);
  expect(one).toMatchObject({ guesses: 0, wrongGuesses: 0 });
  return {
    guesses: sum(others.map(({ guesses }) => guesses)),
    wrongGuesses: sum(others.map(({ wrongGuesses }) => wrongGuesses)),
  };
}

const PCAPS: [string, p.PcapOptions][] = [
  ['a pcap', {}],
  ['a pcap of the other byte order', { isBigEndian: true }],
  ['a pcap of nanoseconds', { kind: 'nano' }],
  ['a pcap of nanoseconds of the other byte order', { kind: 'nano', isBigEndian: true }],
  ['a pcap with the longer headers', { kind: 'modified' }],
  ['an old pcap with swapped lengths', { version: [2, 2] }],
];

const SMALL = new Uint8Array(60);

describe('in an honest capture every guess is right', () => {
  test.each(PCAPS)('%s', async (_, options) => {
    const { guesses, wrongGuesses } = await guessesOf(headedPcap(carriers(1000, SMALL), options));
    expect(guesses).toBeGreaterThan(20);
    expect(wrongGuesses).toBe(0);
  });

  test.each([false, true])('a pcapng, big endian: %s', async (isBigEndian) => {
    const { guesses, wrongGuesses } = await guessesOf(pcapng(carriers(1000, SMALL), isBigEndian));
    expect(guesses).toBeGreaterThan(20);
    expect(wrongGuesses).toBe(0);
  });
});

describe('packets that carry what looks like records', () => {
  const forms: [string, (options: p.PcapOptions) => Uint8Array, (isBigEndian: boolean) => Uint8Array][] = [
    ['longer than chunks', (o) => forgedRecords(600, o, START), (isBig) => alignedBlocks(600, isBig)],
    ['over nearly every border of chunks', (o) => forgedRecords(60, o, START), (isBig) => alignedBlocks(60, isBig)],
    ['up to those of the next packet', (o) => endlessRecords(60, o, START), (isBig) => endlessBlocks(60, isBig, START)],
  ];

  /** Blocks begin at multiples of four: the forged ones do as well. */
  function alignedBlocks(count: number, isBigEndian: boolean): Uint8Array {
    return p.bytes(new Uint8Array(2), forgedBlocks(count, isBigEndian, START));
  }

  test.each(forms.flatMap(([form, make]) => PCAPS.map(([name, options]) => [form, name, make, options] as const)))(
    '%s, in %s',
    async (_, __, make, options) => {
      const { wrongGuesses } = await guessesOf(headedPcap(carriers(100, make(options)), options));
      expect(wrongGuesses).toBeGreaterThan(100);
    },
  );

  test.each(forms.flatMap(([form, , make]) => [false, true].map((isBig) => [form, isBig, make] as const)))(
    '%s, in a pcapng (big endian: %s)',
    async (_, isBigEndian, make) => {
      const { wrongGuesses } = await guessesOf(pcapng(carriers(100, make(isBigEndian)), isBigEndian));
      expect(wrongGuesses).toBeGreaterThan(100);
    },
  );
});
