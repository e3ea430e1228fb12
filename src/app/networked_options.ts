// The cloud network that entries are of: its option, and what a command line makes of it.
import { WindrowError, systemReason } from '../base/errors.ts';
import type { OptionSpec } from '../base/options.ts';
import type { Locality } from '../cloud/locality.ts';
import { networkOfValues, readNetwork } from '../cloud/network.ts';
import type { Network } from '../cloud/network.ts';
import { localityOf } from '../cloud/network_locality.ts';
import type { NetworkFile } from '../cloud/network_file.ts';
import type { Surroundings } from '../kafka/options.ts';

export const NETWORK_OPTION: OptionSpec = {
  flags: '--network <file>',
  doc: 'the cloud network in YAML or JSON: whose an address is, by which path traffic goes, and what its rules allow',
};

export interface NetworkedFlags {
  /** Its file; in the configuration of an agent it may stand itself, and has been checked. */
  readonly network?: string | NetworkFile;
}

/** Who is local, and by which network, if there is one. */
export interface Networked {
  readonly network: Network | undefined;
  /** Of its file: what entries depend on. */
  readonly networkText: string | undefined;
  readonly locality: Locality;
}

/** `counting` is what the other options say. Throws USAGE. */
export function readNetworked<C extends { readonly locality: Locality }>(
  { network: given, eni }: NetworkedFlags & { readonly eni: readonly string[] },
  counting: C,
  { readFile }: Pick<Surroundings, 'readFile'>,
): C & Networked {
  if (given === undefined) return { ...counting, network: undefined, networkText: undefined };
  if (eni.length > 0) {
    throw new WindrowError('USAGE', '--eni and --network: a network has ENIs of its own; choose one of them');
  }
  const text = typeof given === 'string' ? readNetworkText(given, readFile) : JSON.stringify(given);
  const network = typeof given === 'string' ? readNetwork(given, text) : networkOfValues(given);
  return { ...counting, network, networkText: text, locality: localityOf(network, counting.locality.native.local) };
}

/** Throws USAGE. */
export function readNetworkText(path: string, readFile: Surroundings['readFile']): string {
  try {
    return readFile(path);
  } catch (cause) {
    const message = `${path}: expected the YAML or JSON file of a network, found none that can be read: ${systemReason(cause)}`;
    throw new WindrowError('USAGE', message, { cause });
  }
}
