// A device whose power goes: it has what was synced, and of all else what chance would have it.
//
// Names are kept by a log of what was done to folders, each step of it whole or not at all; the steps of a folder are there
// for good once that is synced. What stands in a file is there for good once the file is synced.
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Call, Watcher } from './calls.ts';

class Folder {
  readonly kind = 'folder';
}

class File {
  readonly kind = 'file';
  /** As it was synced last. */
  synced: Buffer = Buffer.alloc(0);
  isSynced = false;
}

type Node = Folder | File;
/** Names of folders. */
type Names = Map<Folder, Map<string, Node>>;

interface Step {
  readonly folders: readonly Folder[];
  readonly take: (names: Names) => void;
  isSynced: boolean;
}

export class Device implements Watcher {
  readonly #root: string;
  readonly #top = new Folder();
  readonly #names: Names = new Map();
  readonly #steps: Step[] = [];

  /** All below `root` is on it, and whether the root itself is there. */
  constructor(root: string) {
    this.#root = root;
  }

  before(): void {
    // Calls are made first.
  }

  after({ name, paths: [a, b], isChange }: Call): void {
    if (!this.#has(a)) return;
    if (name === 'fsyncSync') return this.#sync(a);
    if (!isChange) return;
    if (name === 'write' || name === 'ftruncateSync') (this.#find(a) as File).isSynced = false;
    else if (name === 'mkdirSync') this.#put(a, new Folder());
    else if (name === 'openSync' && !this.#find(a)) this.#put(a, new File());
    else if (name === 'linkSync') this.#put(b, this.#find(a)!);
    else if (name === 'renameSync') this.#move(a, b);
    else if (name === 'unlinkSync' || name === 'rmdirSync') this.#remove(a);
  }

  /** The power goes and comes back. `stays` says of what was not synced whether it is there. */
  lose(stays: () => boolean): void {
    const contents = new Map<Node, Buffer>();
    const names: Names = new Map();
    for (const node of this.#nodes())
      contents.set(node.file, node.file.isSynced || !stays() ? node.file.synced : readFileSync(node.path));
    for (const step of this.#steps) if (step.isSynced || stays()) step.take(names);
    rmSync(this.#root, { recursive: true, force: true });
    const written = new Map<Node, string>();
    const write = (folder: Folder, at: string): void => {
      for (const [name, node] of names.get(folder) ?? []) {
        const file = path.join(at, name);
        const before = written.get(node);
        if (node instanceof Folder) {
          mkdirSync(file);
          write(node, file);
        } else if (before !== undefined) linkSync(before, file);
        else writeFileSync(file, contents.get(node) ?? node.synced);
        written.set(node, file);
      }
    };
    write(this.#top, path.dirname(this.#root));
  }

  #has(file: string): boolean {
    return file === path.dirname(this.#root) || file === this.#root || file.startsWith(this.#root + path.sep);
  }

  #namesIn(folder: Folder): Map<string, Node> {
    return this.#names.get(folder) ?? new Map<string, Node>();
  }

  #find(file: string): Node | undefined {
    if (file === path.dirname(this.#root)) return this.#top;
    const folder = this.#find(path.dirname(file));
    return folder instanceof Folder ? this.#namesIn(folder).get(path.basename(file)) : undefined;
  }

  #folderOf(file: string): Folder {
    return this.#find(path.dirname(file)) as Folder;
  }

  #do(folders: readonly Folder[], take: (names: Names) => void): void {
    take(this.#names);
    this.#steps.push({ folders, take, isSynced: false });
  }

  #put(file: string, node: Node): void {
    const [folder, name] = [this.#folderOf(file), path.basename(file)];
    this.#do([folder], (names) => set(names, folder, name, node));
  }

  #move(from: string, to: string): void {
    const node = this.#find(from)!;
    // Two names of one file: nothing happens (rename(2)).
    if (this.#find(to) === node) return;
    const [source, target] = [this.#folderOf(from), this.#folderOf(to)];
    this.#do([source, target], (names) => {
      names.get(source)?.delete(path.basename(from));
      set(names, target, path.basename(to), node);
    });
  }

  #remove(file: string): void {
    const [folder, name, node] = [this.#folderOf(file), path.basename(file), this.#find(file)];
    this.#do([folder], (names) => {
      if (names.get(folder)?.get(name) === node) names.get(folder)!.delete(name);
    });
  }

  #sync(file: string): void {
    const node = this.#find(file);
    if (node instanceof File) {
      node.synced = readFileSync(file);
      node.isSynced = true;
    } else if (node) {
      for (const step of this.#steps) if (step.folders.includes(node)) step.isSynced = true;
    }
  }

  /** Files that have a name, with one of it. */
  #nodes(folder = this.#top, at = path.dirname(this.#root)): { file: File; path: string }[] {
    return [...this.#namesIn(folder)].flatMap(([name, node]) => {
      const own = path.join(at, name);
      return node instanceof Folder ? this.#nodes(node, own) : [{ file: node, path: own }];
    });
  }
}

function set(names: Names, folder: Folder, name: string, node: Node): void {
  const own = names.get(folder) ?? new Map<string, Node>();
  names.set(folder, own.set(name, node));
}
