// `windrow demo`: a first look. Makes a capture, replays it twice (for people, and as entries), and says where all is.
import fs from 'node:fs';
import path from 'node:path';
import { WindrowError, systemReason } from '../base/errors.ts';
import { defaultsOf } from '../base/options.ts';
import { makeDemoCapture } from './demo_capture.ts';
import { replay } from './replay.ts';
import { REPLAY_OPTIONS, readReplayOptions } from './replay_options.ts';
import { SURROUNDINGS } from './surroundings.ts';
import type { ReplayFlags } from './replay_options.ts';

const WINDOW_SECONDS = 60;

/** Returns the exit code. Throws OUTPUT_FAILED where the directory cannot be written. */
export async function demo(directory: string): Promise<number> {
  const at = (name: string): string => path.join(directory, name);
  try {
    fs.mkdirSync(directory, { recursive: true });
    fs.writeFileSync(at('office.pcap'), makeDemoCapture());
  } catch (cause) {
    throw new WindrowError('OUTPUT_FAILED', `${directory}: cannot be written: ${systemReason(cause)}`, { cause });
  }
  const flags = { ...defaultsOf(REPLAY_OPTIONS), window: WINDOW_SECONDS, quiet: true } as ReplayFlags;
  const paths = [at('office.pcap')];
  const written = { output: at('entries.ndjson'), accounting: at('accounting.json') };
  const options = readReplayOptions(
    paths,
    { ...flags, ...written, format: 'json' },
    { isTerminal: false, ...SURROUNDINGS },
  );
  const code = await replay(options);
  process.stdout.write('Windrow has made a capture of half an hour in a small office, and replayed it.\n\n');
  await replay(readReplayOptions(paths, { ...flags, format: 'table' }, { isTerminal: true, ...SURROUNDINGS }));
  const entries = fs.readFileSync(at('entries.ndjson'), 'utf8').split('\n');
  process.stdout.write(`
Where it is
  the capture      ${at('office.pcap')}
  its entries      ${at('entries.ndjson')} (${entries.length - 1} lines)
  the accounting   ${at('accounting.json')}

The first entry
${entries[0] ?? ''}

Next
  node dist/app/cli.js replay ${at('office.pcap')} --window 60              the same again
  node dist/app/cli.js verify ${at('office.pcap')} ${at('entries.ndjson')} --window 60   recount it the slow way
  node dist/app/cli.js replay YOUR.pcap                                     your own capture
`);
  return code;
}
