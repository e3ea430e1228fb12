// Why a capture could not be read, or not to its end, in words.
import { WindrowError } from '../base/errors.ts';
import { linkTypeName } from './link_types.ts';

/** In the order of `Damage` in native-bindings/span.h. */
export const DAMAGES = [
  'none',
  'empty',
  'not_a_capture',
  'header_cut',
  'version',
  'link_type',
  'record_cut',
  'record_lies',
  'block_cut',
  'block_lies',
  'interface_unknown',
  'too_many_interfaces',
  'gzip_cut',
  'gzip_broken',
] as const;

export type Damage = (typeof DAMAGES)[number];

/** Nothing of a capture with one of these is read: it is refused. */
export const REFUSALS: readonly Damage[] = ['empty', 'not_a_capture', 'header_cut', 'version', 'link_type'];

/** What was found instead of what was expected; `detail` is the number that is wrong. */
export function describeDamage(damage: Damage, detail: number, offset: number): string {
  const at = `at byte ${offset.toLocaleString('en-US')}`;
  const bytes = `${detail.toLocaleString('en-US')} bytes`;
  switch (damage) {
    case 'none':
      return 'read to its end';
    case 'empty':
      return 'it is empty: expected a pcap or pcapng capture';
    case 'not_a_capture':
      return `it is not a capture: expected a pcap or pcapng file (also gzip-compressed), found the first bytes ${detail.toString(16).padStart(8, '0')}`;
    case 'header_cut':
      return `it ends inside its file header, after ${bytes}`;
    case 'version':
      return `its pcap version is ${Math.floor(detail / 65536)}.${detail % 65536}: expected 2.x`;
    case 'link_type':
      return `its link type is ${detail} (${linkTypeName(detail)}), which carries no IP that Windrow reads`;
    case 'record_cut':
      return `it is cut off: the record ${at} lacks its last ${bytes}`;
    case 'record_lies':
      return `it is damaged: the record ${at} claims ${bytes}`;
    case 'block_cut':
      return `it is cut off: the block ${at} lacks its last ${bytes}`;
    case 'block_lies':
      return `it is damaged: the block ${at} has an impossible length (${detail})`;
    case 'interface_unknown':
      return `it is damaged: the packet ${at} is of interface ${detail}, which no block before it declares`;
    case 'too_many_interfaces':
      return `it declares ${detail} interfaces, more than Windrow keeps apart`;
    case 'gzip_cut':
      return `its gzip data is cut off`;
    case 'gzip_broken':
      return `its gzip data is damaged`;
  }
}

/** What to throw for a capture of which nothing is read. */
export function refusal(name: string, damage: Damage, detail: number): WindrowError {
  return new WindrowError('INPUT_REFUSED', `${name}: ${describeDamage(damage, detail, 0)}`);
}
