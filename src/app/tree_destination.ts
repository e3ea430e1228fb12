// Entries as a tree of files, by the sink's own code and without Kafka: one process, no broker.
import fs from 'node:fs';
import path from 'node:path';
import { addon } from '../base/addon.ts';
import { WindrowError, systemCode, systemReason } from '../base/errors.ts';
import type { Batch, BatchSink } from '../flowlog/batch.ts';
import { BatchWriter } from '../flowlog/batch_writer.ts';
import type { BatchSource } from '../flowlog/batch_writer.ts';
import type { EntryWriter } from '../flowlog/entry_writer.ts';
import type { Subscribers } from '../flowlog/subscribers.ts';
import type { Committer } from '../sink/checkpoint.ts';
import type { Compression } from '../sink/compressions.ts';
import { STATE_FOLDER } from '../sink/layout.ts';
import { Sink } from '../sink/sink.ts';
import { Tree } from '../sink/tree.ts';
import type { TreeTarget } from '../sink/tree_target.ts';
import type { Destination } from './destination.ts';
import { exact } from './units.ts';

/** Whoever is alone decides alone. */
const ALONE: Committer = { commit: () => Promise.resolve(true) };
/** How often it is looked whether files are due that nothing more comes for. */
const LOOK_MS = 1000;

export interface TreeDestinationOptions {
  readonly compress: Compression | undefined;
  readonly rotateBytes: number;
  /** Files end, and are there to read, after so long at most. Infinity: when all is written. */
  readonly rotateMs: number;
  /** What files are named by, besides their place among those of that name. */
  readonly topic: string;
  /** Files take the place of earlier ones of the same name: the same source, with another size of files. */
  readonly replaces: boolean;
  /** Who shares the tree. */
  readonly owner: string;
}

export class TreeDestination implements Destination, BatchSink {
  readonly #root: string;
  readonly #source: BatchSource;
  readonly #topic: string;
  readonly #tree: Tree;
  readonly #lock: Lock;
  readonly #target: TreeTarget;
  readonly #sink: Sink;
  /** A batch's place in the source, which is a partition of its own. */
  #offset = 0;
  #entries = 0;
  #turn: Promise<void> = Promise.resolve();
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  #fail: (error: unknown) => void = () => undefined;
  /** Called with the next checkpoint. */
  #written: (() => void) | undefined;
  readonly failed = new Promise<never>((_, reject) => (this.#fail = reject));

  private constructor(root: string, source: BatchSource, options: TreeDestinationOptions, tree: Tree, lock: Lock) {
    const { topic, rotateMs } = options;
    this.#root = root;
    this.#source = source;
    this.#topic = topic;
    this.#tree = tree;
    this.#lock = lock;
    this.#target = tree.target();
    this.#sink = new Sink(this.#target, ALONE, { rotateMs, now: Date.now });
    this.#sink.assign(0, []);
    this.failed.catch(() => undefined);
    if (rotateMs === Infinity) return;
    this.#timer = setInterval(() => {
      if (this.#sink.isDue) this.#inTurn(() => this.#rotate()).catch((error: unknown) => this.#fail(error));
    }, LOOK_MS).unref();
  }

  /** Sources that were killed are ended first, as far as they had come. Rejects with OUTPUT_FAILED. */
  static async open(root: string, source: BatchSource, options: TreeDestinationOptions): Promise<TreeDestination> {
    const tree = Tree.open(root, options);
    try {
      const lock = new Lock(path.join(root, STATE_FOLDER, `${source.agent}.lock`));
      await tree.recover(() => Promise.resolve(true));
      return new TreeDestination(root, source, options, tree, lock);
    } catch (error) {
      await tree.close();
      throw failureOf(root, error);
    }
  }

  writer(subscribers: Subscribers): EntryWriter {
    return new BatchWriter(subscribers, this.#source, this);
  }

  take(batch: Batch): Promise<void> {
    return this.#inTurn(() => this.#take(batch));
  }

  /** Calls back when all that was given so far is there to read; what was to be called before is not any more. */
  whenWritten(then: () => void): Promise<void> {
    return this.#inTurn(() => {
      this.#written = then;
      if (this.#sink.isEmpty) this.#tellWritten();
      return Promise.resolve();
    });
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    // Whoever gives up has not waited for what is under way.
    await this.#turn;
    try {
      if (!this.#isOver) await this.#checkpoint();
    } catch (error) {
      throw failureOf(this.#root, error);
    } finally {
      this.#isOver = true;
      await this.#tree.close();
      this.#lock.release();
    }
  }

  async finish(): Promise<void> {
    this.#target.endWithNext();
    await this.end();
  }

  summary(): string {
    return `${exact(this.#entries)} entries in ${this.#root}`;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #take(batch: Batch): Promise<void> {
    if (this.#isOver) throw new Error('a batch after the end of its source');
    // Not behind the batch that makes it due: the last checkpoint of all has one.
    await this.#rotate();
    await this.#orOver(async () => {
      const origin = { topic: this.#topic, partition: 0, offset: this.#offset++ };
      await this.#sink.take({ ...origin, batch, key: null, message: null });
      this.#entries += batch.entries;
    });
  }

  async #rotate(): Promise<void> {
    if (this.#isOver || !this.#sink.isDue) return;
    await this.#orOver(() => this.#checkpoint());
  }

  async #checkpoint(): Promise<void> {
    await this.#sink.checkpoint();
    this.#tellWritten();
  }

  #tellWritten(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  /** What fails may be there in part: nothing more is written. */
  async #orOver(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#isOver = true;
      throw failureOf(this.#root, error);
    }
  }
}

/** One process at a time writes a source's entries to a tree: each would take the place of what the other wrote. */
class Lock {
  readonly #file: string;
  readonly #fd: number;

  /** Throws OUTPUT_FAILED. */
  constructor(file: string) {
    this.#file = file;
    for (;;) {
      const fd = fs.openSync(file, 'a');
      if (!addon.file_lock(fd)) {
        fs.closeSync(fd);
        const root = path.dirname(path.dirname(file));
        throw new WindrowError('OUTPUT_FAILED', `${root}: another process is writing the same entries to it`);
      }
      this.#fd = fd;
      if (fs.fstatSync(fd).nlink > 0) return;
      // Its owner removed it before it was locked here.
      fs.closeSync(fd);
    }
  }

  release(): void {
    fs.rmSync(this.#file, { force: true });
    fs.closeSync(this.#fd);
  }
}

function failureOf(root: string, cause: unknown): unknown {
  if (cause instanceof WindrowError || systemCode(cause) === '') return cause;
  return new WindrowError('OUTPUT_FAILED', `${root}: cannot be written: ${systemReason(cause)}`, { cause });
}
