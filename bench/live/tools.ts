// The tools that the live bench compares: each captures at an interface until it is told to end.
import fs from 'node:fs';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../package_folder.ts';
import { numberIn, outputOf, versionFrom } from '../tool.ts';
import { HERE } from './network.ts';

export interface LiveTool {
  readonly name: string;
  readonly get: string;
  /** Its version where it is installed. */
  find(): string | undefined;
  /** `out` is an empty folder of its own. */
  command(out: string): string[];
  /** Packets in what it wrote, by its own account. Asked while it runs. */
  readRunning?(out: string): number;
  /** As `readRunning`, once it has ended. */
  readEnded?(out: string): number;
}

const WINDROW: LiveTool = {
  name: 'windrow agent',
  get: 'it is here',
  find: () => versionFrom(process.execPath, path.join(PACKAGE_FOLDER, 'dist/app/cli.js'), /windrow (\S+)/),
  command: (out) => [
    ...[process.execPath, path.join(PACKAGE_FOLDER, 'dist/app/cli.js'), 'agent', '--interface', HERE],
    ...['--window', '10', '--output', path.join(out, 'entries.ndjson'), '--metrics', 'off', '--quiet'],
  ],
  readEnded: (out) => {
    const lines = fs.readFileSync(path.join(out, 'entries.ndjson'), 'utf8').split('\n');
    return lines.reduce((sum, line) => sum + Number(/"packets":"(\d+)"/.exec(line)?.[1] ?? 0), 0);
  },
};

const SOFTFLOWD: LiveTool = {
  name: 'softflowd',
  get: 'apt-get install softflowd',
  find: () => versionFrom('softflowd', '-h', /version (\S+?)\.? /),
  command: (out) => [
    ...['softflowd', '-d', '-i', HERE, '-n', '127.0.0.1:9', '-v', '9'],
    ...['-p', path.join(out, 'pid'), '-c', path.join(out, 'control')],
  ],
  readRunning: (out) =>
    numberIn(outputOf('softflowctl', ['-c', path.join(out, 'control'), 'statistics']), /Packets processed: (\d+)/) ?? 0,
};

const NFPCAPD: LiveTool = {
  name: 'nfpcapd',
  get: 'apt-get install nfdump',
  find: () => versionFrom('nfdump', '-V', /Version: \D*([\d.]+)/),
  command: (out) => ['nfpcapd', '-i', HERE, '-w', out],
  readEnded: (out) =>
    fs
      .readdirSync(out)
      .filter((name) => name.startsWith('nfcapd.'))
      .map((name) => numberIn(outputOf('nfdump', ['-r', path.join(out, name), '-I']), /^Packets: (\d+)/m) ?? 0)
      .reduce((a, b) => a + b, 0),
};

export const LIVE_TOOLS: readonly LiveTool[] = [WINDROW, SOFTFLOWD, NFPCAPD];
