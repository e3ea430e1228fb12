// `windrow replay`: captures in, flow log entries out.
import fs from 'node:fs';
import { constants } from 'node:os';
import { EXIT_INCOMPLETE, WindrowError, systemReason } from '../base/errors.ts';
import { ShardPool } from '../flow/pool.ts';
import { Output, ReaderGone } from '../sink/output.ts';
import { ProgressLine } from './progress.ts';
import type { FromWorker, ReplayResult, ReplayTask, ToWorker } from './protocol.ts';
import { renderReport, summaryLine } from './report.ts';
import type { ReplayOptions } from './replay_options.ts';

/** Replays captures; the result is the exit code. Throws WindrowError. */
export async function replay(options: ReplayOptions): Promise<number> {
  const output = new Output(options.output);
  const progress = new ProgressLine(!options.quiet && process.stderr.isTTY);
  let result: ReplayResult;
  try {
    result = await runWorker(options, output, progress);
    if (options.format === 'table') {
      const columns = process.stdout.columns || 100;
      await output.write(Buffer.from(renderReport(result, columns)));
    }
    output.close();
  } catch (error) {
    if (error instanceof ReaderGone) return 0;
    throw error;
  } finally {
    progress.stop();
  }
  const { accounting } = result;
  if (options.accounting !== undefined) writeAccounting(options.accounting, accounting);
  if (!options.quiet && options.format === 'json') process.stderr.write(`windrow: ${summaryLine(accounting)}\n`);
  for (const cut of accounting.incomplete) {
    process.stderr.write(`windrow: ${cut.input}: ${cut.message}; the entries of what was read are written\n`);
  }
  sayUnsupported(result, options.quiet);
  return accounting.incomplete.length > 0 ? EXIT_INCOMPLETE : 0;
}

/** A worker reads, folds and encodes; this thread writes what it hands over. */
async function runWorker(options: ReplayOptions, output: Output, progress: ProgressLine): Promise<ReplayResult> {
  const pool = new ShardPool(new URL('./worker.js', import.meta.url), 1);
  const task: Omit<ReplayTask, 'port'> = {
    ...options,
    lines: options.format === 'json',
    summary: options.format === 'table',
  };
  const { port, ended } = pool.start(task);
  const say = (message: ToWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  const interrupt = (signal: NodeJS.Signals): void => {
    say({ type: 'stop' });
    process.exitCode = 128 + constants.signals[signal];
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await new Promise<ReplayResult>((resolve, reject) => {
      let writing = Promise.resolve();
      port.on('message', (message: FromWorker) => {
        switch (message.type) {
          case 'block':
            writing = writing.then(async () => {
              await output.write(message.bytes.subarray(0, message.size));
              say({ type: 'block', bytes: message.bytes }, [message.bytes.buffer]);
            });
            writing.catch((error: unknown) => {
              say({ type: 'stop' });
              reject(error instanceof Error ? error : new Error(String(error)));
            });
            break;
          case 'progress':
            progress.update(message.progress);
            break;
          case 'done':
            writing.then(() => resolve(message.result), reject);
            break;
          case 'failed':
            writing.then(() => reject(errorOf(message)), reject);
            break;
        }
      });
      ended.catch(reject);
      port.on('close', () => {
        writing.then(
          () => reject(new WindrowError('OUTPUT_FAILED', 'interrupted before the end of the capture')),
          reject,
        );
      });
    });
  } finally {
    process.removeListener('SIGINT', interrupt).removeListener('SIGTERM', interrupt);
    await pool.close();
  }
}

function errorOf(message: Extract<FromWorker, { type: 'failed' }>): Error {
  return message.code ? new WindrowError(message.code, message.message) : new Error(message.message);
}

function writeAccounting(path: string, accounting: ReplayResult['accounting']): void {
  try {
    fs.writeFileSync(path, JSON.stringify(accounting) + '\n');
  } catch (cause) {
    throw new WindrowError('OUTPUT_FAILED', `${path}: cannot be written: ${systemReason(cause)}`, { cause });
  }
}

/** Interfaces of a pcapng that were not read: their packets are in the books, and here is why. */
function sayUnsupported({ accounting }: ReplayResult, isQuiet: boolean): void {
  if (isQuiet) return;
  for (const i of accounting.interfaces) {
    const packets = i.packets.excluded.unsupported_link_type;
    if (packets === 0) continue;
    process.stderr.write(
      `windrow: interface ${i.number}: ${packets} packets of link type ${i.linkType} are not read; they are counted as unsupported_link_type\n`,
    );
  }
}
