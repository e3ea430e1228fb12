// The native encoder of lines, which has the constant fields of its ENIs ready.
import { addon } from '../base/addon.ts';
import type { NativeEncoder } from '../base/addon_types.ts';
import type { Eni } from '../cloud/locality.ts';

/** An encoder for rows whose `eni` is a place in `enis`. */
export function encoderOf(enis: readonly Eni[]): NativeEncoder {
  const escape = (text: string): string => JSON.stringify(text).slice(1, -1);
  return addon.encoder_new(
    enis.map((eni) => ({
      accountId: escape(eni.accountId),
      eniId: escape(eni.eniId),
      vmId: escape(eni.vmId),
      vpcId: escape(eni.vpcId),
      vswitchId: escape(eni.vswitchId),
    })),
  );
}
