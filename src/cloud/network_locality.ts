// Who is local by a network: its ENIs, by the interfaces, MACs and addresses that they have.
import type { NativeLocality } from '../base/addon_types.ts';
import type { Locality } from './locality.ts';
import type { Network } from './network.ts';
import { marksOf } from './network_marks.ts';

/** `local` is what is inside besides. */
export function localityOf({ enis, file }: Network, local: NativeLocality['local']): Locality {
  const { eniOfInterface, eniOfMac } = marksOf(file);
  const bound = new Set(eniOfInterface.map(({ eni }) => eni));
  // The frames of middle boxes have addresses of others; all other ENIs are known by their own.
  const isBox = (eni: number): boolean => file.enis?.[eni].box !== undefined;
  return {
    enis,
    named: enis.map((_, eni) => eni).filter((eni) => !bound.has(eni)),
    native: {
      eniCount: enis.length,
      eniOfAll: -1,
      eniOfInterface,
      eniOfAddress: [],
      eniOfMac: eniOfMac.filter(({ eni }) => isBox(eni) && !bound.has(eni)),
      local,
    },
  };
}
