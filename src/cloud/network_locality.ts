// Who is local by a network: its ENIs, by the interfaces, MACs and addresses that they have.
import type { NativeLocality } from '../base/addon_types.ts';
import type { Locality } from './locality.ts';
import type { Network } from './network.ts';

/** `local` is what is inside besides. */
export function localityOf(network: Network, local: NativeLocality['local']): Locality {
  const { enis } = network;
  const files = network.file.enis ?? [];
  const eniOfInterface = files.flatMap((file, eni) =>
    file.interface === undefined ? [] : [{ interface: file.interface, eni }],
  );
  // The frames of middle boxes have addresses of others; all other ENIs are known by their own.
  const eniOfMac = files.flatMap(({ box, interface: name, macs = [] }, eni) =>
    box === undefined || name !== undefined ? [] : macs.map((mac) => ({ mac: macBytes(mac), eni })),
  );
  const bound = new Set(eniOfInterface.map(({ eni }) => eni));
  return {
    enis,
    named: enis.map((_, eni) => eni).filter((eni) => !bound.has(eni)),
    native: { eniCount: enis.length, eniOfAll: -1, eniOfInterface, eniOfAddress: [], eniOfMac, local },
  };
}

function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(/[:-]/), (part) => parseInt(part, 16));
}
