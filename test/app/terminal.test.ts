// On a terminal: a report for people instead of lines for programs.
import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ethernet, ipv4, pcap, udp } from '../packets.ts';
import { entriesOf } from './entry_line.ts';
import { CLI, Workplace, ended, windrow } from './program.ts';

const workplace = new Workplace();

const capture = workplace.file(
  pcap([60, 61, 125].map((sec) => ({ sec, data: ethernet({}, ipv4({ src: '10.0.0.1', dst: '192.0.2.1' }, udp({}))) }))),
);

/** Runs the program with a terminal for its outputs, and gives what was shown. */
async function onTerminal(...args: string[]): Promise<{ code: number | null; shown: string }> {
  const words = [process.execPath, CLI, 'replay', capture, '--window', '60', ...args];
  const line = words.map((word) => `'${word}'`).join(' ');
  const { code, stdout } = await ended(
    spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], { stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  return { code, shown: stripVTControlCharacters(stdout).replaceAll('\r', '') };
}

describe('a terminal', () => {
  test('gets the report, and nothing else', async () => {
    const { code, shown } = await onTerminal();
    expect(code).toBe(0);
    expect(shown).toMatch(/^Largest flows\n/);
    expect(shown).toContain('10.0.0.1:40000');
    expect(shown).toContain('1970-01-01 00:01:00');
    expect(shown).toMatch(/seen +3 +84 *\n= logged +3 +84 *\n/);
    expect(shown).not.toMatch(/account-id|packets seen =/);
  });

  test('gets entries where --format says so, and the report goes to a pipe where it does', async () => {
    const { code, shown } = await onTerminal('--format', 'json', '--quiet');
    expect(code).toBe(0);
    expect(entriesOf(shown)).toHaveLength(2);
    const piped = await windrow(['replay', capture, '--window', '60', '--format', 'table']);
    expect(piped).toMatchObject({ code: 0, stderr: '' });
    expect(piped.stdout).toBe((await onTerminal('--format', 'table')).shown);
  });

  test('does not change what goes into a file', async () => {
    const { code, shown } = await onTerminal('--output', workplace.at('entries.ndjson'));
    expect(code).toBe(0);
    expect(shown).toMatch(/^windrow: 3 packets seen = 3 logged \+ 0 excluded; 2 entries\n$/);
    expect(entriesOf(workplace.read('entries.ndjson'))).toHaveLength(2);
  });
});
