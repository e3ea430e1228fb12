// What sinks have written so far, by the account that they keep in their trees; and what they are about to write.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 50;
/** A checkpoint is prepared for some milliseconds only. */
const PREPARED_POLL_MS = 1;

interface Checkpoint {
  readonly id: string;
  readonly files: readonly { readonly entries: number }[];
}

export class Ledger {
  readonly #roots: readonly string[];
  /** Bytes of each file that were read. */
  readonly #read = new Map<string, number>();
  readonly #ids = new Set<string>();
  #entries = 0;

  constructor(roots: readonly string[]) {
    this.#roots = roots;
  }

  /** Entries in all checkpoints that count. */
  entries(): number {
    for (const root of this.#roots) {
      for (const slot of slotsOf(root)) this.#readOn(path.join(slot, 'checkpoints.ndjson'));
    }
    return this.#entries;
  }

  get checkpoints(): number {
    return this.#ids.size;
  }

  /** Waits until more is written than there was; false where the signal comes first. */
  async grows(signal: AbortSignal): Promise<boolean> {
    const before = this.entries();
    while (this.entries() === before) {
      if (signal.aborted) return false;
      await delay(POLL_MS);
    }
    return true;
  }

  #readOn(file: string): void {
    const from = this.#read.get(file) ?? 0;
    const lines = wholeLines(file, from);
    this.#read.set(file, from + lines.length);
    for (const line of lines.toString().split('\n').filter(Boolean)) {
      const { id, files } = JSON.parse(line) as Checkpoint;
      if (this.#ids.has(id)) continue;
      this.#ids.add(id);
      this.#entries += files.reduce((sum, file) => sum + file.entries, 0);
    }
  }
}

/** Waits until a process has a prepared checkpoint in its tree that was not there; false where the signal comes first. */
export async function preparing(root: string, pid: number, signal: AbortSignal): Promise<boolean> {
  const known = new Set(preparedIn(slotOf(root, pid)));
  while (!signal.aborted) {
    if (preparedIn(slotOf(root, pid)).some((folder) => !known.has(folder))) return true;
    await delay(PREPARED_POLL_MS);
  }
  return false;
}

/** The folder that a process has locked. */
function slotOf(root: string, pid: number): string | undefined {
  return slotsOf(root).find((slot) => holds(pid, path.join(slot, 'lock')));
}

function holds(pid: number, file: string): boolean {
  const descriptors = `/proc/${pid}/fd`;
  return namesIn(descriptors).some((fd) => {
    try {
      return fs.readlinkSync(path.join(descriptors, fd)) === file;
    } catch {
      return false; // closed meanwhile
    }
  });
}

function preparedIn(slot: string | undefined): string[] {
  if (slot === undefined) return [];
  const staged = path.join(slot, 'staged');
  return namesIn(staged).filter((name) => fs.existsSync(path.join(staged, name, 'manifest.json')));
}

function slotsOf(root: string): string[] {
  const state = path.join(root, '_windrow');
  return namesIn(state)
    .filter((name) => name.startsWith('sink-'))
    .map((name) => path.join(state, name));
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return []; // not there yet, or not any more
  }
}

/** What stands in a file behind `from`, up to the last line feed. */
function wholeLines(file: string, from: number): Buffer {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(file).subarray(from);
  } catch {
    return Buffer.alloc(0);
  }
  return bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
}
