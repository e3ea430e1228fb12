// `windrow replay`: captures in, flow log entries out.
import fs from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { EXIT_INCOMPLETE, WindrowError, systemReason } from '../base/errors.ts';
import { STDIN, STDOUT } from '../base/standard.ts';
import { ShardPool } from '../flow/pool.ts';
import { Output, ReaderGone } from '../sink/output.ts';
import type { ProgressLine } from './progress.ts';
import type { FromWorker, ReplayResult, ReplayTask, ToWorker } from './protocol.ts';
import type { ReplayOptions } from './replay_options.ts';
import { summaryLine } from './summary_line.ts';

/** Replays captures; the result is the exit code. Throws WindrowError. */
export async function replay(options: ReplayOptions): Promise<number> {
  checkOutputs(options);
  const output = new Output(options.output, options.compress);
  const isWatched = !options.quiet && process.stderr.isTTY;
  const progress = isWatched ? new (await import('./progress.ts')).ProgressLine() : undefined;
  let result: ReplayResult;
  try {
    result = await runWorker(options, output, progress);
    if (options.format === 'table') {
      const { renderReport } = await import('./report.ts');
      const isColored = options.output === STDOUT && process.stdout.isTTY && !process.env['NO_COLOR'];
      await output.write(Buffer.from(renderReport(result, process.stdout.columns || 100, isColored)));
    }
    await output.close();
  } catch (error) {
    if (error instanceof ReaderGone) return 0;
    throw error;
  } finally {
    progress?.stop();
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

/** No file that is read, or written already, is written over; and what cannot be written is said first. Throws. */
function checkOutputs({ paths, output, accounting }: ReplayOptions): void {
  const outputs = [output, ...(accounting === undefined ? [] : [accounting])];
  for (const file of outputs) {
    const input = paths.find(
      (input) => isSame(statOf(input, 0), statOf(file, 1)) || (input === file && input !== STDIN),
    );
    if (input !== undefined)
      throw new WindrowError(
        'USAGE',
        `${file === STDOUT ? 'standard output' : file} is an input and cannot be written to as well`,
      );
  }
  if (accounting === undefined) return;
  if (path.resolve(accounting) === path.resolve(output) || isSame(statOf(accounting, 1), statOf(output, 1))) {
    throw new WindrowError('USAGE', `${output}: entries and accounting cannot go to the same file`);
  }
  try {
    fs.accessSync(fs.existsSync(accounting) ? accounting : path.dirname(accounting), fs.constants.W_OK);
    if (statOf(accounting, 1)?.isDirectory()) throw new Error('it is a directory');
  } catch (cause) {
    throw new WindrowError('OUTPUT_FAILED', `${accounting}: cannot be written: ${systemReason(cause)}`, { cause });
  }
}

function isSame(a: fs.Stats | undefined, b: fs.Stats | undefined): boolean {
  return a?.isFile() === true && b?.isFile() === true && a.dev === b.dev && a.ino === b.ino;
}

/** Of a file, or of a standard stream for "-". Undefined where there is none, or none that can be asked: opening says why. */
function statOf(file: string, standard: 0 | 1): fs.Stats | undefined {
  try {
    return file === STDIN ? fs.fstatSync(standard) : fs.statSync(file);
  } catch {
    return undefined;
  }
}

/** A worker reads, folds and encodes; this thread writes what it hands over. */
async function runWorker(options: ReplayOptions, output: Output, progress?: ProgressLine): Promise<ReplayResult> {
  const pool = new ShardPool(new URL('./worker.js', import.meta.url), 1);
  const task: Omit<ReplayTask, 'port'> = {
    ...options,
    lines: options.format === 'json',
    summary: options.format === 'table',
  };
  const { port, ended } = pool.start(task);
  const say = (message: ToWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  const interrupted = new Interruption();
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
            progress?.update(message.progress);
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
      // What was handed over is written; the worker may be waiting for bytes that never come, and is not waited for.
      interrupted.onSignal((error) => {
        writing.then(() => reject(error), reject);
      });
    });
  } finally {
    interrupted.forget();
    await pool.close();
  }
}

/** SIGINT or SIGTERM: the command ends at once, with the exit code that shells expect. */
class Interruption {
  #listeners = new Map<NodeJS.Signals, () => void>();
  #tell: ((error: WindrowError) => void) | undefined;

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const listener = (): void => {
        process.exitCode = 128 + constants.signals[signal];
        this.#tell?.(new WindrowError('OUTPUT_FAILED', `interrupted by ${signal} before the end of the capture`));
      };
      this.#listeners.set(signal, listener);
      process.once(signal, listener);
    }
  }

  onSignal(tell: (error: WindrowError) => void): void {
    this.#tell = tell;
  }

  forget(): void {
    for (const [signal, listener] of this.#listeners) process.removeListener(signal, listener);
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
