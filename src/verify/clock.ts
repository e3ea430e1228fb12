// The clock of a pcapng interface: its unit (if_tsresol) and its shift (if_tsoffset), exact for any of either.

export interface Clock {
  readonly unitsPerSecond: bigint;
  readonly offsetSec: bigint;
}

const SECOND_NS = 1_000_000_000n;
/** A time beyond this is taken as this, so that the window that it falls into still has exact bounds. */
const MOST_SECONDS = 2 ** 52;

/** draft-ietf-opsawg-pcapng section 4.2: a negative power of 10, or of 2 with the high bit; microseconds unless said. */
export function readClock(resolution: DataView | undefined, offset: DataView | undefined, le: boolean): Clock {
  const power = resolution?.getUint8(0) ?? 6;
  const base = (power & 0x80) !== 0 ? 2n : 10n;
  return {
    unitsPerSecond: base ** BigInt(power & 0x7f),
    offsetSec: offset === undefined || offset.byteLength < 8 ? 0n : offset.getBigInt64(0, le),
  };
}

export function timeOf(clock: Clock, units: bigint): { sec: number; nanos: number } {
  const rest = units % clock.unitsPerSecond;
  return { sec: secondsOf(clock, units), nanos: Number((rest * SECOND_NS) / clock.unitsPerSecond) };
}

export function secondsOf(clock: Clock, units: bigint): number {
  const whole = Math.min(MOST_SECONDS, Number(units / clock.unitsPerSecond));
  const offset = Math.max(-MOST_SECONDS, Math.min(MOST_SECONDS, Number(clock.offsetSec)));
  return Math.max(-MOST_SECONDS, Math.min(MOST_SECONDS, whole + offset));
}
