// Which destination a replay's options name, and what its batches are known by.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { STDIN } from '../base/standard.ts';
import { digestOf } from '../capture/digest.ts';
import type { BatchSource } from '../flowlog/batch_writer.ts';
import type { Destination } from './destination.ts';
import { LinesDestination } from './lines_destination.ts';
import { rulesOf } from './format_options.ts';
import type { Filed, ReplayOptions } from './replay_options.ts';
import { VERSION } from './version.ts';

/** Digits of a digest that name a replay: 96 bits. */
const DIGITS = 24;

/** `workers` count together. Rejects with what the destination cannot do. */
export async function openDestination(options: ReplayOptions, workers: number): Promise<Destination> {
  const { delivery } = options;
  if (delivery.to === 'lines') {
    return new LinesDestination(delivery.output, delivery.compress, options.lines);
  }
  const source = await sourceOf(options, delivery, workers);
  if (delivery.to === 'tree') {
    const { TreeDestination } = await import('./tree_destination.ts');
    const { root, compress, rotateBytes } = delivery;
    const naming = { topic: source.agent, replaces: true, owner: 'replay' };
    return TreeDestination.open(root, source, { compress, rotateBytes, rotateMs: Infinity, ...naming });
  }
  const { KafkaDestination } = await import('./kafka_destination.ts');
  return KafkaDestination.open(delivery.settings, source, workers, (line) => {
    if (!options.quiet) process.stderr.write(`windrow: ${line}\n`);
  });
}

/** A replay is known by what it reads and by how it counts: run again, its batches are the same ones. */
async function sourceOf(options: ReplayOptions, filed: Filed, workers: number): Promise<BatchSource> {
  const isStream = options.paths.some(isReadOnce);
  const digest =
    isStream || filed.isAgain
      ? randomUUID().replaceAll('-', '')
      : await digestOf(options.paths, JSON.stringify([VERSION, filed.identity]));
  if (isStream && !filed.isAgain && !options.quiet) {
    process.stderr.write(
      'windrow: nobody knows what a stream will be: these entries are new, also where they were replayed before\n',
    );
  }
  return {
    agent: `replay-${digest.slice(0, DIGITS)}`,
    boot: 0,
    // Which flows a full table closes early depends on how many shards it has.
    bootOnceEarly: workers,
    rules: rulesOf(options.lines),
  };
}

/** Standard input, a FIFO, what a shell puts in place of <(…): whoever looks what is in it has read it. */
export function isReadOnce(path: string): boolean {
  if (path === STDIN) return true;
  try {
    const stat = fs.statSync(path);
    return !stat.isFile() && !stat.isDirectory();
  } catch {
    // Whoever reads it says why it cannot be read.
    return false;
  }
}
