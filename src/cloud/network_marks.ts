// What tells packets of a network's ENIs apart whatever their addresses are: interfaces and MAC addresses.
import type { NativeLocality } from '../base/addon_types.ts';
import type { NetworkFile } from './network_file.ts';

export interface NetworkMarks {
  readonly eniOfInterface: NativeLocality['eniOfInterface'];
  readonly eniOfMac: NativeLocality['eniOfMac'];
}

/** By the numbers of the ENIs, which are those of the file. */
export function marksOf({ enis = [] }: NetworkFile): NetworkMarks {
  const numbered = enis.map((item, eni) => ({ ...item, eni }));
  return {
    eniOfInterface: numbered.flatMap(({ interface: name, eni }) =>
      name === undefined ? [] : [{ interface: name, eni }],
    ),
    eniOfMac: numbered.flatMap(({ macs = [], eni }) => macs.map((mac) => ({ mac: macOf(mac), eni }))),
  };
}

function macOf(text: string): Uint8Array {
  return Uint8Array.from(text.split(/[:-]/), (part) => Number.parseInt(part, 16));
}
