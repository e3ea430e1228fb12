// Files of a tree on their way: what one sink writes of its partitions, from checkpoint to checkpoint.
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { makeFolders } from '../base/folders.ts';
import type { Batch } from '../flowlog/batch.ts';
import type { Columns } from '../flowlog/columns.ts';
import type { EntryLines } from '../flowlog/entry_lines.ts';
import type { Manifest, OffsetRange, TreeFile } from './checkpoint.ts';
import type { Compression } from './compressions.ts';
import type { EntryTarget, Origin } from './entry_target.ts';
import { fileName, folderOf } from './layout.ts';
import { LineOutput } from './line_output.ts';
import { settleTakenBack, timeOfNext } from './settlement.ts';
import type { Counting } from './settlement.ts';
import { prepare, publish, removeStaged, stagedFile } from './staging.ts';

/** Files that are written at once: each has a block of memory and a descriptor. */
const MOST_FILES = 512;
const BLOCK_BYTES = 256 << 10;
const BLOCKS = 4;

export interface TreeOptions {
  readonly compress: Compression | undefined;
  /** A file that has as many bytes ends, and with it the checkpoint. */
  readonly rotateBytes: number;
  /** Checkpoints that overlap an earlier one take its place: whoever writes is alone, and begins again with the same. */
  readonly replaces: boolean;
  /** Who decides whether a checkpoint counts: a group of sinks and its topic, or whoever is alone. */
  readonly owner: string;
}

interface OpenFile {
  readonly path: string;
  readonly origin: Origin;
  readonly lines: LineOutput;
  entries: number;
}

export class TreeTarget implements EntryTarget {
  readonly #root: string;
  /** Where the folders of checkpoints are staged. */
  readonly #place: string;
  readonly #counting: Counting;
  readonly #options: TreeOptions;
  readonly #encoder: EntryLines;
  /** By partition and folder. */
  #files = new Map<string, OpenFile>();
  #isFull = false;
  /** Where the files of this checkpoint are staged, once there is one. */
  #staged: string | undefined;
  #prepared: Manifest | undefined;
  #isLast = false;
  #settled: readonly TreeFile[] = [];

  constructor(root: string, place: string, counting: Counting, options: TreeOptions, encoder: EntryLines) {
    this.#root = root;
    this.#place = place;
    this.#counting = counting;
    this.#options = options;
    this.#encoder = encoder;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Files of the last checkpoint that counts. */
  get settled(): readonly TreeFile[] {
    return this.#settled;
  }

  async write(origin: Origin, batch: Batch, columns: Columns): Promise<void> {
    const file = this.#fileFor(origin, batch);
    await this.#encoder.write(batch, columns, file.lines);
    file.entries += batch.entries;
    this.#isFull ||= file.lines.bytes >= this.#options.rotateBytes || this.#files.size >= MOST_FILES;
  }

  /** The next checkpoint is the last one. */
  endWithNext(): void {
    this.#isLast = true;
  }

  async prepare(id: string, ranges: readonly OffsetRange[]): Promise<void> {
    this.#counting.endAll();
    const folder = this.#stagedFolder();
    const files = [...this.#files.values()];
    await Promise.all(files.map(({ lines }) => lines.close({ isSynced: true })));
    const manifest: Manifest = {
      version: 1,
      id,
      time: this.#options.replaces ? timeOfNext(this.#root) : Date.now(),
      replaces: this.#options.replaces,
      owner: this.#options.owner,
      isLast: this.#isLast,
      ranges,
      files: files.map(({ path, origin, lines, entries }) => ({
        path,
        topic: origin.topic,
        partition: origin.partition,
        first: origin.offset,
        bytes: lines.bytes,
        entries,
      })),
    };
    prepare(folder, manifest);
    this.#prepared = manifest;
    publish(this.#root, folder, manifest);
  }

  /** What counts does so whatever fails now: no later call takes it back. */
  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is to be a rejection
  async settle(isCommitted: boolean): Promise<void> {
    const folder = this.#stagedFolder();
    const manifest = this.#prepared!;
    this.#begin();
    if (isCommitted) {
      this.#settled = manifest.files;
      this.#counting.add(folder, manifest);
      this.#counting.endAll();
    } else {
      settleTakenBack(this.#root, folder, manifest);
    }
  }

  /** What cannot be removed now is removed by the tree's next `recover`. */
  async abandon(): Promise<void> {
    const [folder, manifest] = [this.#staged, this.#prepared];
    try {
      await this.#closeFiles();
      if (folder !== undefined && manifest) settleTakenBack(this.#root, folder, manifest);
      else if (folder !== undefined) removeStaged(folder);
    } finally {
      this.#begin();
    }
  }

  /** Nobody knows whether the checkpoint counts: the tree's `recover` is to find out. */
  async leave(): Promise<void> {
    await this.#closeFiles();
    this.#begin();
  }

  close(): Promise<void> {
    return this.abandon();
  }

  async #closeFiles(): Promise<void> {
    await Promise.all([...this.#files.values()].map(({ lines }) => lines.abandon()));
  }

  #begin(): void {
    this.#files = new Map();
    this.#isFull = false;
    this.#staged = undefined;
    this.#prepared = undefined;
  }

  #fileFor(origin: Origin, batch: Batch): OpenFile {
    const folder = folderOf(batch.flowLog.project, batch.flowLog.logstore, batch.windowStart);
    const key = `${origin.topic}-${origin.partition}/${folder}`;
    let file = this.#files.get(key);
    if (!file) {
      const { compress } = this.#options;
      const staged = stagedFile(this.#stagedFolder(), this.#files.size);
      file = {
        path: `${folder}/${fileName(origin.topic, origin.partition, origin.offset, compress)}`,
        origin,
        lines: new LineOutput(staged, compress, { blockBytes: BLOCK_BYTES, blocks: BLOCKS }),
        entries: 0,
      };
      this.#files.set(key, file);
    }
    return file;
  }

  #stagedFolder(): string {
    if (this.#staged === undefined) {
      this.#staged = path.join(this.#place, randomUUID());
      makeFolders(this.#staged);
    }
    return this.#staged;
  }
}
