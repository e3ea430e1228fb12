// What an agent keeps from one life to the next: who it is, how often it was started, and what it had not logged yet.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { addon } from '../../base/addon.ts';
import { WindrowError, systemReason } from '../../base/errors.ts';
import { makeFolders } from '../../base/folders.ts';
import { writeWhole } from '../../sink/durable.ts';

const FILE = 'agent.json';
const LOCK = 'agent.lock';
const SPOOL = 'spool';
/** The name goes into names of files, and keys of topics. */
const MOST_NAME = 64;

interface Kept {
  readonly id: string;
  readonly boot: number;
  /** By ENI's id: seconds since the epoch up to which all of its windows are logged. Only those that were being watched. */
  readonly watched: Readonly<Record<string, number>>;
  /** It ended in order: nothing of these windows is missing. */
  readonly isOver: boolean;
}

export class AgentState {
  /** Of this agent and no other, on any host. */
  readonly id: string;
  /** Which life this is, from 1. */
  readonly boot: number;
  /** Of the life before: by ENI's id, up to when it had logged, in seconds since the epoch. */
  readonly watchedBefore: ReadonlyMap<string, number>;
  /** The life before did not end in order. */
  readonly wasCutOff: boolean;
  readonly spoolFolder: string;
  readonly #file: string;
  readonly #lock: number;
  #written = '';
  #hasFailed = false;

  private constructor(folder: string, kept: Kept | undefined, lock: number) {
    this.id = kept?.id ?? newId();
    this.boot = (kept?.boot ?? 0) + 1;
    this.watchedBefore = new Map(Object.entries(kept?.watched ?? {}));
    this.wasCutOff = kept?.isOver === false;
    this.spoolFolder = path.join(folder, SPOOL);
    this.#file = path.join(folder, FILE);
    this.#lock = lock;
    // What the life before left is kept until this one has logged it.
    this.keep(this.watchedBefore);
  }

  /** Throws OUTPUT_FAILED where it cannot be kept, and USAGE where another agent has the folder. */
  static open(folder: string): AgentState {
    let lock: number | undefined;
    try {
      makeFolders(folder);
      lock = fs.openSync(path.join(folder, LOCK), 'a', 0o600);
      if (!addon.file_lock(lock)) {
        throw new WindrowError(
          'USAGE',
          `${folder}: another agent is running with this state: give each its own --state`,
        );
      }
      return new AgentState(folder, read(path.join(folder, FILE)), lock);
    } catch (cause) {
      if (lock !== undefined) fs.closeSync(lock);
      if (cause instanceof WindrowError) throw cause;
      throw new WindrowError('OUTPUT_FAILED', `${folder}: the state cannot be kept there: ${systemReason(cause)}`, {
        cause,
      });
    }
  }

  /** All is logged of these ENIs up to then, whatever happens to this life from now on. Throws what the system says. */
  keep(watched: ReadonlyMap<string, number>, isOver = false): void {
    const kept: Kept = { id: this.id, boot: this.boot, watched: Object.fromEntries(watched), isOver };
    const text = JSON.stringify(kept);
    if (text === this.#written) return;
    writeWhole(this.#file, `${text}\n`);
    this.#written = text;
  }

  /** As `keep`, of a life that goes on where it fails: after a kill more windows are marked then. Tells the first failure. */
  keepOrTell(watched: ReadonlyMap<string, number>, isOver: boolean, tell: (reason: string) => void): void {
    try {
      this.keep(watched, isOver);
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) tell(`${this.#file}: the state cannot be kept: ${systemReason(error)}`);
      this.#hasFailed = true;
    }
  }

  close(): void {
    fs.closeSync(this.#lock);
  }
}

function newId(): string {
  const host = hostname().replaceAll(/[^A-Za-z0-9.-]/g, '-') || 'agent';
  return `${host.slice(0, MOST_NAME)}-${randomBytes(4).toString('hex')}`;
}

/** Undefined: there is none. Throws OUTPUT_FAILED where it is something else. */
function read(file: string): Kept | undefined {
  if (!fs.existsSync(file)) return undefined;
  const text = fs.readFileSync(file, 'utf8');
  let kept: Partial<Kept> | null;
  try {
    kept = JSON.parse(text) as Partial<Kept> | null;
  } catch {
    kept = null;
  }
  const watched: unknown = kept?.watched;
  const isKept =
    typeof kept?.id === 'string' &&
    Number.isSafeInteger(kept.boot) &&
    typeof kept.isOver === 'boolean' &&
    typeof watched === 'object' &&
    watched !== null &&
    Object.values(watched).every(Number.isSafeInteger);
  if (isKept) return kept as Kept;
  throw new WindrowError(
    'OUTPUT_FAILED',
    `${file}: expected the state of an agent, found something else: remove the file to begin anew, under a new name`,
  );
}
