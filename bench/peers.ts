// The peers: other packets-to-records tools, each with its own defaults unless a comment says why not.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { provideProgram } from './native.ts';
import { saidBy, stdoutOf } from './run_of_tool.ts';
import { numberIn, outputOf, versionFrom } from './tool.ts';
import type { Tool } from './tool.ts';

const TSHARK_PACKETS = 1_000_000;
/** Entries that pmacctd's print plugin keeps in memory, 4 KB each; what is over is written early. */
const PMACCT_ENTRIES = 200_003;

export function peers(cacheFolder: string): Tool[] {
  return [NFPCAPD, SOFTFLOWD, ARGUS, PMACCTD, IPFIXPROBE, TSHARK, PCAP_PARSER, bareLoop(cacheFolder)];
}

const NFPCAPD: Tool = {
  name: 'nfpcapd',
  group: 'nfpcapd',
  title: 'nfpcapd',
  writes: 'nfdump file',
  get: 'apt-get install nfdump',
  find: () => versionFrom('nfdump', '-V', /Version: \D*([\d.]+)/),
  command: ({ capture, out }) => ['nfpcapd', '-r', capture.path, '-w', out],
  read: ({ out }) => {
    // Only its own files: the bench keeps others beside them.
    const files = fs.readdirSync(out).filter((name) => name.startsWith('nfcapd.'));
    const texts = files.map((name) => outputOf('nfdump', ['-r', path.join(out, name), '-I']));
    return { entries: sum(texts, /^Flows: (\d+)/m), packets: sum(texts, /^Packets: (\d+)/m) };
  },
};

const SOFTFLOWD: Tool = {
  name: 'softflowd',
  group: 'softflowd',
  title: 'softflowd',
  writes: 'NetFlow 9 to 127.0.0.1',
  get: 'apt-get install softflowd',
  isSlow: true,
  find: () => versionFrom('softflowd', '-h', /version (\S+?)\.? /),
  // Its default of 8192 flows would make it close flows all the time.
  command: ({ workload, capture, out, port }) => {
    const most = Math.max(8192, workload.recipe.flows * 2);
    const files = ['-p', path.join(out, 'pid'), '-c', 'none'];
    return ['softflowd', '-d', '-r', capture.path, '-n', `127.0.0.1:${port}`, '-v', '9', '-m', String(most), ...files];
  },
  read: (task) => ({
    entries: numberIn(saidBy(task), /Flows exported: \d+ \((\d+) records\)/),
    packets: numberIn(saidBy(task), /Packets processed: (\d+)/),
  }),
};

const ARGUS: Tool = {
  name: 'argus',
  group: 'argus',
  title: 'argus',
  writes: 'argus file',
  get: 'apt-get install argus-server argus-client',
  isSlow: true,
  // racount reads what it wrote: without it there is nothing to check.
  find: () => versionFrom('racount', '-h', /Version (\S+)/) && versionFrom('argus', '-h', /Version (\S+)/),
  command: ({ capture, out }) => ['argus', '-r', capture.path, '-w', path.join(out, 'argus.out')],
  read: ({ out }) => {
    const text = outputOf('racount', ['-r', path.join(out, 'argus.out')]);
    return { entries: numberIn(text, /sum +(\d+)/), packets: numberIn(text, /sum +\d+ +(\d+)/) };
  },
};

const PMACCTD: Tool = {
  name: 'pmacctd',
  group: 'pmacctd',
  title: 'pmacctd',
  writes: 'CSV file',
  get: 'apt-get install pmacct',
  isSlow: true,
  find: () => versionFrom('pmacctd', '-V', /pmacctd (\d\S+)/),
  command: ({ capture, out }) => {
    const file = path.join(out, 'pmacctd.conf');
    fs.writeFileSync(file, pmacctConfiguration(capture.path, path.join(out, 'flows.csv')));
    return ['pmacctd', '-f', file];
  },
  read: ({ out }) => {
    let entries = 0;
    let packets = 0;
    for (const line of fs.readFileSync(path.join(out, 'flows.csv'), 'utf8').split('\n')) {
      const count = Number(line.split(',')[6]);
      if (!(count > 0)) continue; // titles, which are repeated, and the end
      entries++;
      packets += count;
    }
    return { entries, packets };
  },
};

/** Its pipe between two processes loses packets in silence where it is small. */
function pmacctConfiguration(capture: string, output: string): string {
  const settings = {
    daemonize: 'false',
    pcap_savefile: capture,
    aggregate: 'src_host, dst_host, src_port, dst_port, proto, tcpflags',
    plugins: 'print',
    print_output: 'csv',
    print_output_file: output,
    print_output_file_append: 'true',
    print_refresh_time: '3600',
    print_cache_entries: String(PMACCT_ENTRIES),
    plugin_buffer_size: '65536',
    plugin_pipe_size: '67108864',
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}

const IPFIXPROBE: Tool = {
  name: 'ipfixprobe',
  group: 'ipfixprobe',
  title: 'ipfixprobe',
  writes: 'IPFIX to 127.0.0.1',
  get: 'build it from https://github.com/CESNET/ipfixprobe with its pcap input; Debian has no package',
  find: () => versionFrom('ipfixprobe', '-V', /(\d+\.\d+\.\d+)/),
  command: ({ capture, port }) => [
    'ipfixprobe',
    ...['-i', `pcap;file=${capture.path}`, '-s', 'cache', '-o', `ipfix;u;host=127.0.0.1;port=${port}`],
  ],
  read: (task) => {
    const output = /Output stats:[^]*/.exec(saidBy(task))?.[0] ?? '';
    return { entries: numberIn(output, /^ *0 +(\d+)/m), packets: numberIn(output, /^ *0 +\d+ +(\d+)/m) };
  },
};

const TSHARK: Tool = {
  name: 'tshark',
  group: 'tshark',
  title: 'tshark -z conv',
  writes: 'text',
  get: 'apt-get install tshark',
  isSlow: true,
  headPackets: TSHARK_PACKETS,
  find: () => versionFrom('tshark', '--version', /TShark \D*(\d\S+?)\.? /),
  command: ({ capture }) => ['tshark', '-n', '-q', '-r', capture.path, '-z', 'conv,tcp', '-z', 'conv,udp'],
  read: (task) => {
    // frames and bytes from right to left, from left to right, and in all; bytes have a unit
    const row = /^\S+ +<-> \S+ +\d+ [\d.]+ \S+ +\d+ [\d.]+ \S+ +(\d+) /;
    const counts = fs
      .readFileSync(stdoutOf(task), 'utf8')
      .split('\n')
      .map((line) => numberIn(line, row));
    const frames = counts.filter((count) => count !== null);
    return { entries: frames.length, packets: frames.reduce((total, count) => total + count, 0) };
  },
};

const PCAP_PARSER: Tool = {
  name: 'pcap-parser',
  group: 'pcap-parser',
  title: 'pcap-parser (npm), packets counted',
  writes: 'nothing',
  get: 'npm ci',
  isSlow: true,
  find: () => {
    const file = new URL('../../node_modules/pcap-parser/package.json', import.meta.url);
    if (!fs.existsSync(file)) return undefined;
    return (JSON.parse(fs.readFileSync(file, 'utf8')) as { version: string }).version;
  },
  command: ({ capture }) => {
    const script = fileURLToPath(new URL('count_packets.js', import.meta.url));
    return [process.execPath, '--no-deprecation', script, capture.path];
  },
  read: (task) => ({ entries: null, packets: numberIn(saidBy(task), /"packets":(\d+)/) }),
};

function bareLoop(cacheFolder: string): Tool {
  return {
    name: 'bare-loop',
    group: 'bare-loop',
    title: 'bare loop: read, decode, table',
    writes: 'nothing',
    get: 'apt-get install g++',
    isScaled: true,
    find: () => versionFrom('g++', '--version', /^(.*)/)?.replace(/^/, 'by '),
    command: ({ workload, capture }) => [
      provideProgram(cacheFolder, 'bare_loop'),
      ...[capture.path, String(workload.recipe.flows)],
    ],
    read: (task) => ({ entries: null, packets: numberIn(saidBy(task), /"packets":(\d+)/) }),
  };
}

function sum(texts: readonly string[], pattern: RegExp): number {
  return texts.reduce((total, text) => total + (numberIn(text, pattern) ?? 0), 0);
}
