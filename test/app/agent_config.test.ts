// The file of an agent's configuration: what it gives, what is wrong with it and where, and how it is written.
import { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/app/agent/config.ts';
import type { AgentConfig } from '../../src/app/agent/config.ts';
import { dumpConfig } from '../../src/app/agent/config_dump.ts';
import { AGENT_OPTIONS, CONFIG_KEYS, readAgentOptions } from '../../src/app/agent/options.ts';
import type { AgentFlags } from '../../src/app/agent/options.ts';
import { WindrowError } from '../../src/base/errors.ts';
import { addOptions, givenTo } from '../../src/base/options.ts';
import { PacketFilter, libpcapVersion } from '../../src/capture/packet_filter.ts';
import { testWhere } from '../needs.ts';
import { Workplace, windrow } from './program.ts';

const FILE = 'w.yaml';
const SECRETS = '/secrets/password';

const testWithLibpcap = testWhere(libpcapVersion() !== undefined, 'libpcap is not installed (Debian: libpcap0.8)');

/** Of files, by path. */
function surroundings(files: Readonly<Record<string, string>>) {
  const readFile = (path: string): string => {
    if (Object.hasOwn(files, path)) return files[path];
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  };
  return {
    environment: {},
    readFile,
    isTerminal: false,
    filterOf: (expression: string) => PacketFilter.of(expression),
  };
}

function parse(...args: readonly string[]): { flags: AgentFlags; given: ReadonlySet<string> } {
  const command = addOptions(new Command().exitOverride(), AGENT_OPTIONS).parse(args, { from: 'user' });
  return { flags: command.opts(), given: givenTo(command) };
}

function read(text: string, ...args: readonly string[]): AgentConfig {
  return readConfig(parse('--config', FILE, ...args), surroundings({ [FILE]: text, [SECRETS]: 'secret\n' }));
}

/** What the command line alone would be. */
function readLine(...args: readonly string[]): AgentConfig['options'] {
  return readAgentOptions(parse(...args).flags, surroundings({ [SECRETS]: 'secret\n' }));
}

/** All that is wrong, without the name of the file before each. */
function wrong(text: string, ...args: readonly string[]): string[] {
  try {
    read(text, ...args);
  } catch (error) {
    expect(error).toBeInstanceOf(WindrowError);
    expect((error as WindrowError).code).toBe('USAGE');
    return (error as WindrowError).message.split('\n').map((line) => line.replace(`${FILE}:`, ''));
  }
  return [];
}

describe('a file', () => {
  test('gives what the same options on the command line give', () => {
    const text = `
      interfaces: [eth0, 'tap*']
      side: peer
      ring-memory: 8
      interval: 5
      lateness: 3
      decapsulate: true
      local: [10.0.0.0/8, 'fd00::/8']
      eni: [eni-db=192.0.2.7]
      kafka: [kafka-1:9092, '[::1]:9093']
      kafka-tls: true
      kafka-sasl: scram-sha-256
      kafka-user: windrow
      kafka-password-file: ${SECRETS}
      kafka-compression: none
      metrics: off
      log: json
      quiet: true`;
    const line = [
      ...['--interface', 'eth0,tap*', '--side', 'peer', '--ring-memory', '8', '--interval', '5', '--lateness', '3'],
      ...['--decapsulate', '--local', '10.0.0.0/8,fd00::/8', '--eni', 'eni-db=192.0.2.7', '--kafka-tls', '--quiet'],
      ...['--kafka', 'kafka-1:9092,[::1]:9093', '--kafka-sasl', 'scram-sha-256', '--kafka-user', 'windrow'],
      ...['--kafka-password-file', SECRETS, '--kafka-compression', 'none', '--metrics', 'off', '--log', 'json'],
    ];
    const { options } = read(text);
    expect(options).toEqual(readLine(...line));
    expect(options.way.to === 'kafka' && options.way.settings.sasl?.password).toBe('secret');
  });

  test('says of some interfaces which side they are, and of some which ENI', () => {
    const text = `
      side: peer
      interfaces:
        - {name: eth0, side: self, eni: eni-web}
        - tap*
        - name: 'veth?'
          side: self
        - {name: eth1, eni: eni-db}
      eni: [eni-x=192.0.2.7]`;
    const { options } = read(text);
    expect(options.interfaces).toEqual([
      { pattern: 'eth0', side: 'self' },
      { pattern: 'tap*', side: 'peer' },
      { pattern: 'veth?', side: 'self' },
      { pattern: 'eth1', side: 'peer' },
    ]);
    const all = readLine('--interface', 'eth0', '--eni', 'eni-x=192.0.2.7,eni-web=eth0,eni-db=eth1');
    expect(options.locality).toEqual(all.locality);
  });

  test('may have a network, as a file of its own would be, and flow logs', () => {
    const network =
      'vpcs: [{id: vpc-1, cidrs: [10.0.0.0/16], vswitches: [{id: vsw-1, cidrs: [10.0.0.0/24]}]}]\nenis: [{id: eni-1, vswitch: vsw-1, addresses: [10.0.0.1]}]\n';
    const within = network.replaceAll(/^/gm, '  ');
    const flowLogs = 'flow-logs: [{name: one, resource-type: VPC, resource-id: vpc-1}]\n';
    const { flags, options } = read(`interfaces: [a]\nstate: /s\nnetwork:\n${within}\n${flowLogs}`);
    const alone = readConfig(parse('--interface', 'a', '--network', 'n.yaml'), surroundings({ 'n.yaml': network }));
    expect(options.network).toEqual(alone.options.network);
    expect(options.locality).toEqual(alone.options.locality);
    expect(options.windowSeconds).toBe(60);
    expect(options.flowLogs).toMatchObject({
      file: '/s/flow-logs.json',
      declared: [{ name: 'one', trafficType: 'All' }],
    });
    expect(read(dumpConfig(flags)).options).toEqual(options);
    expect(read('interfaces: [a]\nflow-logs: f.json\n').options.flowLogs).toEqual({
      file: 'f.json',
      declared: undefined,
    });
  });

  test('may have a mark of its bytes, comments, lines of Windows, and anchors that nothing stands for', () => {
    const { options } = read('\ufeff# mine\r\ninterfaces: &all\r\n  - eth0 # one\r\nwindow: 60\r\n');
    expect(options).toEqual(readLine('--interface', 'eth0', '--window', '60'));
  });
});

describe('the command line', () => {
  const text = `
      interfaces: [{name: eth0, side: peer, eni: eni-web}]
      window: 60
      side: peer
      kafka: [kafka-1:9092]
      local: [10.0.0.0/8]`;

  test('wins where it is given, and not by its defaults', () => {
    const { options } = read(text, '--window', '30', '--local', '192.0.2.0/24');
    const line = ['--window', '30', '--local', '192.0.2.0/24', '--kafka', 'kafka-1:9092', '--eni', 'eni-web=eth0'];
    expect(options).toEqual(readLine('--interface', 'eth0', '--side', 'peer', ...line));
    expect(read(text).options).toMatchObject({ windowSeconds: 60, latenessSeconds: 2 });
  });

  test('wins over what the file has instead', () => {
    expect(read(text, '--interval', '1').options.windowSeconds).toBe(60);
    expect(read(text, '--interval', '5').options.windowSeconds).toBe(300);
    expect(read(text, '--out', '/logs').options.way).toMatchObject({ to: 'tree', root: '/logs' });
    expect(read(text, '--output', '-').options.way).toMatchObject({ to: 'lines', output: '-' });
  });

  test('has other interfaces, or other ENIs', () => {
    const { options } = read(text, '--interface', 'eth7');
    expect(options.interfaces).toEqual([{ pattern: 'eth7', side: 'peer' }]);
    expect(options.locality.enis).toEqual([]);
    const named = read(text, '--eni', 'eni-x=eth0', '--side', 'self').options;
    expect(named.locality.enis.map(({ eniId }) => eniId)).toEqual(['eni-x']);
    expect(named.interfaces).toEqual([{ pattern: 'eth0', side: 'peer' }]);
    expect(read('window: 60', '--interface', 'eth7').options.windowSeconds).toBe(60);
  });

  test('is told from the file where it is wrong', () => {
    expect(wrong('interfaces: [eth0]\nlocal: [bad]', '--eni', 'x=')).toEqual([
      '--eni x=: expected ID, ID=ADDRESS, ID=MAC or ID=INTERFACE',
      '2:9: local bad: expected CIDR blocks such as 10.0.0.0/8,fd00::/8',
    ]);
    expect(wrong('interfaces: [eth0]\nworkers: 2', '--eni', 'x=02:00:00:00:00:01')).toEqual([
      '2:10: workers 2: ENIs that are named by a MAC need one worker',
    ]);
  });
});

describe('a filter', () => {
  testWithLibpcap('is one on the command line and in a file, which is printed as such', () => {
    const expression = 'tcp[tcpflags] & tcp-syn != 0 and not port 22';
    const config = read(`interfaces: [eth0]\nfilter: '${expression}'\n`);
    expect(config.options).toEqual(readLine('--interface', 'eth0', '--filter', expression));
    expect(config.options.filter?.expression).toBe(expression);
    expect(read('interfaces: [eth0]\nfilter: tcp\n', '--filter', 'udp').options.filter?.expression).toBe('udp');
    expect(read(dumpConfig(config.flags)).options).toEqual(config.options);
    expect(read('interfaces: [eth0]').options.filter).toBeUndefined();
  });

  testWithLibpcap('is told from the file where it is wrong', () => {
    expect(wrong('interfaces: [eth0]\nwindow: 60\nfilter: udp port\nlocal: [bad]')).toEqual([
      "3:9: filter: expected an expression as of tcpdump (pcap-filter(7)): can't parse filter expression: syntax error",
      '4:9: local bad: expected CIDR blocks such as 10.0.0.0/8,fd00::/8',
    ]);
    expect(wrong('interfaces: [eth0]\nfilter: "udp\\0"')).toEqual([
      '2:9: filter: expected text, found a character that ends it (NUL); take it away',
    ]);
    expect(wrong('interfaces: [eth0]\nfilter: 5\n')).toEqual([
      '2:9: filter: expected text, found 5; put it into quotes',
    ]);
  });
});

describe('what is wrong', () => {
  const ITEM = 'a name or a pattern, or a mapping of name, side and eni';
  const HINT = 'write interfaces: [eth0]';
  test.each<[string, string, string[]]>([
    ['nothing', '', [`1:1: expected keys and their values, found nothing; ${HINT}`]],
    ['comments only', '# a\n# b\n', [`1:1: expected keys and their values, found nothing; ${HINT}`]],
    ['a text', 'eth0', [`1:1: expected keys and their values, found the text "eth0"; ${HINT}`]],
    ['a list', '- eth0', [`1:1: expected keys and their values, found a list; ${HINT}`]],
    [
      'no interfaces',
      '# a\nwindow: 60',
      [`2:1: interfaces: expected names or patterns, found no such key; ${HINT} (windrow doctor lists them)`],
    ],
    [
      'a list that is empty',
      'interfaces: []\nkafka: []',
      [
        `1:13: interfaces: expected a list of names, patterns and mappings, found an empty list; ${HINT}`,
        '2:8: kafka: expected a list, found an empty list; write kafka: [HOST:PORT]',
      ],
    ],
    [
      'a bracket',
      'interfaces: [eth0\nwindow: 60\n',
      [
        '2:1: expected YAML, found "w": Flow sequence in block collection must be sufficiently indented and end with a ]; indent the entries of a mapping or a list alike, and close brackets',
      ],
    ],
    [
      'a tab',
      'interfaces:\n\t- eth0\n',
      ['2:1: expected YAML, found "\\t": Tabs are not allowed as indentation; indent with blanks'],
    ],
    [
      'characters that mean something else, all of them',
      'interfaces: [*]\nout: @x\nproject: `a`\n',
      [
        '1:14: expected YAML, found "*": Alias cannot be an empty string; put a text that begins with * into quotes',
        '2:6: expected YAML, found "@": Plain value cannot start with reserved character @; put the text into quotes',
        '3:10: expected YAML, found "`": Plain value cannot start with reserved character `; put the text into quotes',
      ],
    ],
    [
      'two documents',
      'interfaces: [a]\n---\ninterfaces: [b]\n',
      ['2:1: expected YAML, found "-": Source contains multiple documents; take the line --- away'],
    ],
    [
      'a tag',
      'interfaces: [a]\nout: !path x\n',
      [
        '2:6: expected YAML, found "!": Unresolved tag: !path; take the tag away, or put a text that begins with ! into quotes',
      ],
    ],
    [
      'an alias',
      'interfaces: &a [eth0]\nlocal: *a\n',
      ['2:8: expected a value, found the alias *a; write the value, or put a text that begins with * into quotes'],
    ],
    [
      'keys that stand there again',
      'interfaces: [a]\nwindow: 1\n\nwindow: 60\nwindow: 60\n',
      [
        '4:1: window: expected once, found again: the first is in line 2; take one of them away',
        '5:1: window: expected once, found again: the first is in line 2; take one of them away',
      ],
    ],
    [
      'keys that there are not',
      'interface: [a]\nwindwo: 1\nkafka_user: x\nqqqqq: 1\nconfig: a\n__proto__: 1\n',
      [
        '1:1: interface: expected the name of an option, found an unknown key; write interfaces: [NAME]',
        `1:1: interfaces: expected names or patterns, found no such key; ${HINT} (windrow doctor lists them)`,
        '2:1: windwo: expected the name of an option, found an unknown key; did you mean window?',
        '3:1: kafka_user: expected the name of an option, found an unknown key; did you mean kafka-user?',
        '4:1: qqqqq: expected the name of an option, found an unknown key; take it away; windrow agent --help names all that there are',
        '5:1: config: expected the name of an option, found an unknown key; it stands on the command line only; take it away',
        '6:1: __proto__: expected the name of an option, found an unknown key; take it away; windrow agent --help names all that there are',
      ],
    ],
    [
      'values of another type',
      'interfaces: eth0\nwindow: 60s\nlocal: [10.1]\ndecapsulate: yes\nout:\nproject: 12\nquiet: {a: 1}\nworkers: [1]\n',
      [
        '1:13: interfaces: expected a list of names, patterns and mappings, found the text "eth0"; put it into brackets: [eth0]',
        '2:9: window: expected a whole number from 1 to 2,147,483,648, found the text "60s"; write window: 1',
        '3:9: local[0]: expected text that is not empty, found 10.1; put it into quotes',
        '4:14: decapsulate: expected true or false, found the text "yes"; write decapsulate: true',
        '5:5: out: expected text, found nothing; write out: DIRECTORY',
        '6:10: project: expected text, found 12; put it into quotes',
        '7:8: quiet: expected true or false, found a mapping; write quiet: true',
        '8:10: workers: expected a whole number from 1 to 256, found a list; write workers: 1',
      ],
    ],
    [
      'values out of their range',
      'interfaces: [a]\nring-memory: 0\nlateness: 90000\ninterval: 7\nlog: xml\nworkers: 1.5\nkafka-timeout: .inf\n',
      [
        '2:14: ring-memory: expected a whole number from 1 to 4,096, found 0; write ring-memory: 32',
        '3:11: lateness: expected a whole number from 0 to 86,400, found 90000; write lateness: 2',
        '4:11: interval: expected 1, 5 or 10, found 7; write interval: 10',
        '5:6: log: expected text or json, found the text "xml"; write log: text',
        '6:10: workers: expected a whole number from 1 to 256, found 1.5; write workers: 1',
        '7:16: kafka-timeout: expected a whole number from 1 to 86,400, found Infinity; write kafka-timeout: 30',
      ],
    ],
    [
      'interfaces',
      "interfaces:\n  - ''\n  - 5\n  - {side: peer}\n  - name: 'tap*'\n    eni: eni-a\n  - {name: a, side: left, sid: 1}\n  - {name: a, eni: b=c}\n",
      [
        `2:5: interfaces[0]: expected ${ITEM}, found the text ""; write eth0, or {name: eth0, eni: eni-web}`,
        `3:5: interfaces[1]: expected ${ITEM}, found 5; put it into quotes`,
        `4:5: interfaces[2]: expected ${ITEM}, found one without a name; write eth0, or {name: eth0, eni: eni-web}`,
        '5:11: interfaces[3].name: expected a name without * and ?, as it has an ENI, found the text "tap*"; write {name: eth0, eni: eni-web}',
        '7:21: interfaces[4].side: expected self or peer, found the text "left"; write {name: tap0, side: peer}',
        '7:27: interfaces[4].sid: expected name, side or eni, found an unknown key; did you mean side?',
        '8:20: interfaces[5].eni: expected the name of an ENI: 1 to 256 characters without =, found the text "b=c"; write {name: eth0, eni: eni-web}',
      ],
    ],
    [
      'groups of NFLOG',
      'interfaces: [a]\nnflog:\n  - 5\n  - 6=reject\n  - {group: 70000, action: DROP}\n  - {action: REJECT}\n  - 7=drop\n  - 70000\n',
      [
        '5:13: nflog[2].group: expected a whole number from 0 to 65,535, found 70000; write {group: 5, action: REJECT}',
        '5:28: nflog[2].action: expected ACCEPT or REJECT, found the text "DROP"; write {group: 5, action: REJECT}',
        '6:5: nflog[3]: expected a group, or a mapping of group and action, found one without a group; write {group: 5, action: REJECT}',
        '7:5: nflog 7=drop: expected GROUP, GROUP=ACCEPT or GROUP=REJECT, with a group from 0 to 65535',
        '8:5: nflog[5]: expected a group, or a mapping of group and action, found 70000; write {group: 5, action: REJECT}',
      ],
    ],
    [
      'a group of NFLOG that stands there twice',
      'interfaces: [a]\nnflog: [5, {group: 5, action: REJECT}]\n',
      ['2:8: nflog: group 5 stands there twice: take one of them away'],
    ],
    [
      'flow logs',
      'interfaces: [a]\nflow-logs:\n  - {name: a, resource-type: Vpc, resource-id: vpc-1}\n  - {name: b, resource-type: VPC}\n  - {name: c, resource-type: VPC, resource-id: v, aggregation-interval: 2}\nflow_logs: []\n',
      [
        '3:30: flow-logs[0].resource-type: expected NetworkInterface, VSwitch or VPC, found the text "Vpc"; write flow-logs: [{name: all, resource-type: VPC, resource-id: vpc-1}]',
        '4:5: flow-logs[1]: expected a mapping of name, resource-type, resource-id, and what else a flow log has, found one without a resource-id; write flow-logs: [{name: all, resource-type: VPC, resource-id: vpc-1}]',
        '5:73: flow-logs[2].aggregation-interval: expected 1, 5 or 10, found 2; write flow-logs: [{name: all, resource-type: VPC, resource-id: vpc-1}]',
        '6:1: flow_logs: expected the name of an option, found an unknown key; did you mean flow-logs?',
      ],
    ],
    [
      'flow logs that cannot be',
      'interfaces: [a]\nflow-logs:\n  - {name: a, resource-type: VPC, resource-id: vpc-1, traffic-path: [all, vbr]}\n',
      ['3:3: flow-logs: a: traffic-path: expected all alone, or other paths, each once, found "all,vbr"'],
    ],
    [
      'flow logs that are neither',
      'interfaces: [a]\nflow-logs: 5\n',
      [
        '2:12: flow-logs: expected a list of flow logs, or the file of those that windrow flowlog keeps, found 5; put it into quotes',
      ],
    ],
    [
      'flow logs and a window',
      'interfaces: [a]\nwindow: 60\nflow-logs: fl.json\n',
      ['2:9: window and flow-logs: flow logs say how long windows are; choose one'],
    ],
    [
      'a network in the file',
      'interfaces: [a]\nnetwork:\n  vpcs:\n    - {id: vpc-1, cidrs: [10.0.0.0/33]}\n  enis:\n    - {id: eni-1, vswitch: vsw-1, addresses: [10.0.0.1]}\nwindow: 0\n',
      [
        '4:27: vpcs[0].cidrs[0]: expected a CIDR block with a length from 0 to 32, found the text "10.0.0.0/33"; write 10.0.0.0/8, or 2001:db8::/32',
        '6:28: enis[0].vswitch: expected the id of a vSwitch that is here, found the text "vsw-1"; there is no vSwitch; add it',
        '7:9: window: expected a whole number from 1 to 2,147,483,648, found 0; write window: 1',
      ],
    ],
    [
      'a network that is neither',
      'interfaces: [a]\nnetwork: [vpc]\n',
      ['2:10: network: expected the file of a network, or what such a file holds, found a list; write network: FILE'],
    ],
    [
      'what readers of options refuse, all of it',
      "interfaces: [a]\nwindow: 1\nlateness: 100\nlocal: [10.0.0.0/8, bad, '10.0.0.0/40']\neni: [a, b, '=c']\nmetrics: here\nflow-log: ''\n",
      [
        '3:11: lateness 100 keeps too many windows open at once: at most 64 with windows of 1 s',
        '4:21: local bad: expected CIDR blocks such as 10.0.0.0/8,fd00::/8',
        '4:26: local 10.0.0.0/40: expected CIDR blocks such as 10.0.0.0/8,fd00::/8',
        '5:10: eni b: only one ENI can have all traffic',
        '5:13: eni =c: expected ID, ID=ADDRESS, ID=MAC or ID=INTERFACE',
        '6:10: metrics here: expected HOST:PORT, such as 127.0.0.1:9464 or [::1]:9464, or off; there is no port in it',
        '7:11: flow-log: expected a name of 1 to 128 bytes, found 0',
      ],
    ],
    [
      'options that do not go together',
      'interfaces: [a]\nout: /logs\ncompress: gzip\nkafka: [a:1, b]\nkafka-ca: x\nkafka-user: me\n',
      [
        '2:6: out and kafka: entries go one way; choose one of them',
        '3:11: compress is for files; batches have kafka-compression',
        '4:14: kafka b: expected HOST:PORT, such as localhost:9092',
        '5:11: kafka-ca, kafka-certificate and kafka-key need kafka-tls',
        '6:13: kafka-user needs kafka-sasl (plain, scram-sha-256, scram-sha-512)',
      ],
    ],
    [
      'one option, and not what follows of it',
      'interfaces: [a, 5]\nkafka: [a:1]\nkafka-sasl: plane\nkafka-user: me\nkafka-password-file: /x\n',
      [
        `1:17: interfaces[1]: expected ${ITEM}, found 5; put it into quotes`,
        '3:13: kafka-sasl: expected plain, scram-sha-256 or scram-sha-512, found the text "plane"; write kafka-sasl: plain',
      ],
    ],
    [
      'a password that cannot be read',
      'interfaces: [a]\nkafka: [a:1]\nkafka-sasl: plain\nkafka-user: me\nkafka-password-file: /x\n',
      ['5:22: kafka-password-file /x: cannot be read: there is no such file'],
    ],
  ])('is %s', (_, text, expected) => {
    expect(wrong(text)).toEqual(expected);
  });

  test('is a password, which is not shown', () => {
    for (const text of [
      'kafka-password: hunter2',
      'kafka-password: "hunter2',
      'kafka-password: hunter2: x',
      '"hunter2',
    ]) {
      const lines = wrong(`interfaces: [a]\n${text}\n`);
      expect(lines.join('\n')).not.toContain('hunter2');
      expect(lines.length).toBeGreaterThan(0);
    }
    expect(wrong('interfaces: [a]\nkafka-password: hunter2')).toEqual([
      '2:1: kafka-password: expected the name of an option, found an unknown key; a password is never in this file; write it to a file of its own, and name that: kafka-password-file: FILE',
    ]);
  });

  test('takes no time and no memory, however it is nested', () => {
    const rows = Array.from({ length: 30 }, (_, n) => `k${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(', ')}]`);
    const begin = performance.now();
    expect(wrong(['k0: &a0 [x]', ...rows].join('\n'))).toHaveLength(270);
    expect(wrong(`interfaces: ${'['.repeat(100_000)}`).length).toBeGreaterThan(0);
    expect(wrong('interfaces: &a [*a]')).toHaveLength(1);
    expect(performance.now() - begin).toBeLessThan(5000);
  });
});

describe('a configuration that is printed', () => {
  const roundTrip = (config: AgentConfig): void => {
    const again = read(dumpConfig(config.flags));
    expect(again.options).toEqual(config.options);
    expect(dumpConfig(again.flags)).toBe(dumpConfig(config.flags));
  };

  test('gives the same options again', () => {
    const { flags, options } = { flags: parse('--interface', 'eth0').flags, options: readLine('--interface', 'eth0') };
    roundTrip({ flags, options });
    const interfaces = `interfaces: [eth0, {name: 'tap*', side: peer}, {name: eth1, eni: eni-web}]`;
    roundTrip(read(`${interfaces}\ninterval: 1\nmetrics: off\nlocal: ['fd00::/8', 10.0.0.1]\neni: ['x=eth2']\n`));
    roundTrip(read(`${interfaces}\nwindow: 7\nout: logs\ncompress: zstd\nlog: json\nquiet: true\n`, '--side', 'peer'));
    const kafka = `kafka: [a:1, b:2]\nkafka-sasl: plain\nkafka-user: 'no'\nkafka-password-file: ${SECRETS}\nkafka-prefix: ''`;
    const config = read(`${interfaces}\n${kafka}\n`, '--eni', 'a', '--workers', '3');
    roundTrip(config);
    expect(dumpConfig(config.flags)).not.toContain('secret\n');
  });

  test('gives the same texts again, whatever they are', () => {
    const text = fc.oneof(
      fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }),
      fc.constantFrom('1', 'null', ' a', '#', '- a', 'a: b'),
    );
    fc.assert(
      fc.property(text, text, (name, state) => {
        const line = parse('--interface', 'eth0');
        const flags: AgentFlags = { ...line.flags, interface: [name], state, output: state };
        roundTrip({ flags, options: readAgentOptions(flags, surroundings({})) });
      }),
    );
  });

  test('has every option that may be in a file, and says what it is', () => {
    const text = dumpConfig(parse('--interface', 'eth0').flags);
    for (const { key, spec } of CONFIG_KEYS) {
      expect(text).toMatch(new RegExp(`^(# )?${key}: ?`, 'm'));
      expect(text).toContain(`# ${spec.doc}`);
    }
    const keys = AGENT_OPTIONS.map(({ flags }) => flags.replace(/^--([a-z-]+).*/, '$1'));
    const inFile = CONFIG_KEYS.map(({ key }) => key.replace('interfaces', 'interface'));
    expect(inFile).toEqual(keys.filter((key) => !['config', 'check', 'dump'].includes(key)));
  });
});

describe('windrow agent', () => {
  const workplace = new Workplace();
  const good = workplace.file('interfaces: [eth0]\nwindow: 60\n', 'good.yaml');
  const bad = workplace.file('interfaces: [eth0]\nwindw: 60\nlateness: no\n', 'bad.yaml');

  test('--check says whether it is right', async () => {
    const right = await windrow(['agent', '--config', good, '--check']);
    expect(right).toMatchObject({ code: 0, stdout: `${good}: the configuration is right\n`, stderr: '' });
    const lines = await windrow(['agent', '--config', bad, '--check']);
    expect(lines).toMatchObject({ code: 2, stdout: '' });
    expect(lines.stderr.trimEnd().split('\n')).toEqual([
      `windrow: ${bad}:2:1: windw: expected the name of an option, found an unknown key; did you mean window?`,
      `windrow: ${bad}:3:11: lateness: expected a whole number from 0 to 86,400, found the text "no"; write lateness: 2`,
    ]);
    const line = await windrow(['agent', '--interface', 'eth0', '--check']);
    expect(line).toMatchObject({ code: 0, stdout: 'the command line: the configuration is right\n' });
  });

  test('--dump prints a file that gives the same', async () => {
    const first = await windrow(['agent', '--config', good, '--dump', '--local', '10.0.0.0/8', '--out', 'logs']);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/^window: 60$/m);
    expect(first.stdout).toMatch(/^local:\n {2}- 10\.0\.0\.0\/8$/m);
    const second = await windrow(['agent', '--config', workplace.file(first.stdout, 'dumped.yaml'), '--dump']);
    expect(second).toMatchObject({ code: 0, stdout: first.stdout, stderr: '' });
    expect(await windrow(['agent', '--config', bad, '--dump'])).toMatchObject({ code: 2, stdout: '' });
    expect(await windrow(['agent', '--config', good, '--dump', '--check'])).toMatchObject({ code: 2, stdout: '' });
  });

  test('says which file it cannot read', async () => {
    const directory = await windrow(['agent', '--config', workplace.directory]);
    expect(directory).toMatchObject({ code: 2, stdout: '' });
    expect(directory.stderr).toBe(
      `windrow: ${workplace.directory}: expected a YAML file, found none that can be read: it is a directory; correct --config\n`,
    );
    const none = await windrow(['agent', '--config', workplace.at('none.yaml')]);
    expect(none).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/none\.yaml: .*there is no such file/) as string,
    });
  });
});
