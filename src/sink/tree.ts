// A tree of files, by project, logstore and hour: what stands in it under a name is whole, and is there once.
import fs from 'node:fs';
import path from 'node:path';
import { EntryLines } from '../flowlog/entry_lines.ts';
import type { Manifest } from './checkpoint.ts';
import { writeWhole } from './durable.ts';
import { Counting, settleKept, settleTakenBack } from './settlement.ts';
import { Slot } from './slot.ts';
import { preparedIn, removeStaged } from './staging.ts';
import { TreeTarget } from './tree_target.ts';
import type { TreeOptions } from './tree_target.ts';

/** More than what a full disk may have left by chance. */
const PROBE = 'x'.repeat(1 << 20);

/**
 * Whether a checkpoint that was prepared by a slot's sink, which was killed then, counts. Undefined: it is of others, who
 * know; so it stays as it is.
 */
export type WasCommitted = (slotId: string, manifest: Manifest) => Promise<boolean | undefined>;

export class Tree {
  readonly #root: string;
  readonly #options: TreeOptions;
  readonly #slot: Slot;
  readonly #counting: Counting;
  readonly #encoder = new EntryLines();
  #targets: TreeTarget[] = [];

  private constructor(root: string, options: TreeOptions, slot: Slot) {
    this.#root = root;
    this.#options = options;
    this.#slot = slot;
    this.#counting = new Counting(root, slot.folder);
  }

  /** Takes a slot in the tree, which is created where it is missing. Throws OUTPUT_FAILED. */
  static open(root: string, options: TreeOptions): Tree {
    return new Tree(root, options, Slot.open(root));
  }

  /** Of this sink, whenever it runs. */
  get id(): string {
    return this.#slot.id;
  }

  /** Where entries can be written; each target has checkpoints of its own. */
  target(): TreeTarget {
    const target = new TreeTarget(this.#root, this.#slot.staged, this.#counting, this.#options, this.#encoder);
    this.#targets.push(target);
    return target;
  }

  /**
   * Ends what sinks that were killed left half done, and what was left here. Says how many checkpoints were kept, and
   * taken back. Not while targets write.
   */
  async recover(wasCommitted: WasCommitted): Promise<{ kept: number; takenBack: number }> {
    const done = { kept: 0, takenBack: 0 };
    const others = Slot.abandoned(this.#root);
    try {
      for (const slot of [this.#slot, ...others]) {
        for (const name of fs.readdirSync(slot.staged)) {
          const folder = path.join(slot.staged, name);
          const manifest = preparedIn(folder);
          if (!manifest) {
            removeStaged(folder);
            continue;
          }
          // Others know, and this one does not.
          if (manifest.owner !== this.#options.owner) continue;
          const counts = await wasCommitted(slot.id, manifest);
          if (counts === true) {
            settleKept(this.#root, slot.folder, folder, manifest);
            done.kept++;
          } else if (counts === false) {
            settleTakenBack(this.#root, folder, manifest);
            done.takenBack++;
          }
        }
      }
    } finally {
      for (const slot of others) slot.close();
    }
    return done;
  }

  /** Nothing more is written by the targets so far; `recover` is to find out what of it counts. */
  async leave(): Promise<void> {
    await Promise.all(this.#targets.splice(0).map((target) => target.leave()));
  }

  /** Throws a system error where the tree cannot be written at present. */
  probe(): void {
    writeWhole(path.join(this.#slot.folder, 'probe'), PROBE);
  }

  async close(): Promise<void> {
    await Promise.all(this.#targets.splice(0).map((target) => target.close()));
    this.#slot.close();
  }
}
