// Numbers as people read them.

/** 1234567 as 1.23 M. */
export function count(value: number): string {
  return scaled(value, 1000, ['', ' k', ' M', ' G', ' T']);
}

/** 1234567 as 1.18 MiB. */
export function bytes(value: number): string {
  return scaled(value, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB', ' PiB']);
}

/** 1234567 as 1,234,567. */
export function exact(value: number): string {
  return value.toLocaleString('en-US');
}

/** 1 entry, 2,000 entries. */
export function quantity(value: number, one: string, many: string): string {
  return `${exact(value)} ${value === 1 ? one : many}`;
}

/** Seconds since the epoch as 2026-01-31 12:00:00, UTC; the number itself where no calendar has it. */
export function time(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds}` : date.toISOString().replace('T', ' ').replace('.000Z', '');
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toPrecision(3)}${units[unit]}`;
}
