// Rules of security groups and network ACLs: protocols, ports and peers, read and checked.
import { nearest } from '../base/nearest.ts';
import { describe } from '../base/schema_faults.ts';
import type { Path } from '../base/yaml_document.ts';
import type { Prefix } from './addresses.ts';
import type { Findings } from './findings.ts';
import { PORT_PROTOCOLS, PROTOCOLS } from './network_file.ts';
import type { Loose, PortItem, RuleItem } from './network_file.ts';
import { PORT_CODES } from './network_model.ts';
import type { ServiceRange } from './network_model.ts';

/** Each is compared with packets, one by one. */
const MOST_PAIRS = 1 << 16;
/** Of all rules. */
const MOST_PAIRS_TOGETHER = 1 << 24;

const ALL = 'all';
const MOST_PROTOCOL = 255;
const MOST_PORT = 65_535;
const [ICMP, ICMPV6] = [PROTOCOLS.icmp, PROTOCOLS.icmpv6];

/** The number of a protocol; 'all'; undefined: it is wrong, which was said. */
export type Protocol = number | typeof ALL | undefined;

export function readProtocol({ protocol }: Loose<RuleItem>, path: Path, findings: Findings): Protocol {
  if (protocol === undefined || protocol === ALL) return ALL;
  if (typeof protocol === 'string' && Object.hasOwn(PROTOCOLS, protocol)) {
    return PROTOCOLS[protocol as keyof typeof PROTOCOLS];
  }
  if (typeof protocol === 'number' && protocol >= 0 && protocol <= MOST_PROTOCOL) return protocol;
  const near = typeof protocol === 'string' ? nearest(protocol, [ALL, ...Object.keys(PROTOCOLS)]) : undefined;
  findings.add(
    [...path, 'protocol'],
    `a protocol: ${Object.keys(PROTOCOLS).join(', ')}, a number from 0 to 255, or all`,
    describe(protocol),
    near === undefined ? 'write the number that IANA gives it' : `did you mean ${near}?`,
  );
  return undefined;
}

/** What rules match of a protocol and its ports; none where something is wrong. */
export function readServices(
  rule: Loose<RuleItem>,
  protocol: Protocol,
  path: Path,
  findings: Findings,
): ServiceRange[] {
  const { ports } = rule;
  if (!Object.hasOwn(rule, 'ports')) {
    if (protocol === undefined) return [];
    if (protocol === ALL) return [{ first: 0, last: (MOST_PROTOCOL + 1) * PORT_CODES - 1 }];
    return [{ first: protocol * PORT_CODES, last: (protocol + 1) * PORT_CODES - 1 }];
  }
  if (protocol === ALL || (protocol !== undefined && !PORT_PROTOCOLS.includes(protocol))) {
    const found = protocol === ALL ? 'ports of all protocols' : `ports of protocol ${rule.protocol}, which has none`;
    const hint = 'take them away, or name a protocol that has ports, such as tcp';
    findings.add([...path, 'ports'], 'no ports', found, hint);
    return [];
  }
  const isList = typeof ports === 'object';
  const items: readonly (PortItem | undefined)[] = isList ? ports : [ports];
  const ranges = items.map((item, i) => readPorts(item, isList ? [...path, 'ports', i] : [...path, 'ports'], findings));
  if (protocol === undefined) return [];
  return ranges
    .filter((range) => range !== undefined)
    .map(([first, last]) => ({ first: protocol * PORT_CODES + 1 + first, last: protocol * PORT_CODES + 1 + last }));
}

/** A rule about addresses that none of its packets can have. */
export function checkFamilies(prefixes: readonly Prefix[], protocol: Protocol, path: Path, findings: Findings): void {
  const family = protocol === ICMP ? 4 : protocol === ICMPV6 ? 6 : undefined;
  if (family === undefined || prefixes.length === 0 || prefixes.some((prefix) => prefix.family === family)) return;
  const [name, other] = family === 4 ? ['icmp', 'icmpv6'] : ['icmpv6', 'icmp'];
  const expected = `addresses of IPv${family}, as the protocol is ${name}`;
  findings.add(path, expected, `those of IPv${family === 4 ? 6 : 4}`, `write protocol: ${other}`);
}

/** Pairs of a CIDR block and a range of ports, counted over all rules. */
export class RulePairs {
  #together = 0;

  count(services: readonly ServiceRange[], prefixes: readonly Prefix[], path: Path, findings: Findings): void {
    const pairs = services.length * Math.max(prefixes.length, 1);
    const hint = 'name fewer ports, or join CIDR blocks';
    if (pairs > MOST_PAIRS) {
      findings.add(path, `${MOST_PAIRS} pairs of a CIDR block and a range of ports at most`, pairs.toString(), hint);
    }
    if (this.#together <= MOST_PAIRS_TOGETHER && this.#together + pairs > MOST_PAIRS_TOGETHER) {
      const expected = `${MOST_PAIRS_TOGETHER} pairs of a CIDR block and a range of ports in all rules`;
      findings.add(path, expected, 'more from here on', hint);
    }
    this.#together += pairs;
  }
}

function readPorts(item: PortItem | undefined, path: Path, findings: Findings): readonly [number, number] | undefined {
  if (item === undefined) return undefined;
  const found = /^([0-9]{1,6})(?:-([0-9]{1,6}))?$/.exec(item.toString());
  const [first, last] = found ? [Number(found[1]), Number(found[2] ?? found[1])] : [-1, -1];
  if (found && first <= last && last <= MOST_PORT) return [first, last];
  const isReversed = found && first > last;
  const expected = isReversed
    ? 'a range from the lower to the higher port'
    : 'a port from 0 to 65535, or a range such as 80-90';
  const hint = isReversed ? `write ${last}-${first}` : 'write 80, or 80-90';
  findings.add(path, expected, describe(item), hint);
  return undefined;
}
