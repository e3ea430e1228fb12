// What checks see of a machine: they ask it for all that they know, so that a test can give them a broken one.

export interface Machine {
  /** As Node names it: linux, darwin, win32. */
  readonly platform: string;
  /** Of the kernel: `6.1.0-18-amd64`. */
  readonly release: string;
  readonly architecture: string;
  /** The text of a file; undefined where there is none, or it may not be read. */
  readonly text: (file: string) => string | undefined;
  /** The names in a folder, sorted; undefined where there is none, or it may not be read. */
  readonly names: (folder: string) => readonly string[] | undefined;
  /** MAC addresses by the name of the interface, of those that the system tells. */
  readonly macs: () => ReadonlyMap<string, string>;
  /** Runs a program that says something and ends; for so long. */
  readonly run: (program: string, args: readonly string[], timeoutMs: number) => Promise<Ran>;
  /** What libpcap says of its version; undefined where it is not there. */
  readonly libpcap: () => string | undefined;
  /** Tries a folder, and leaves it as it was. */
  readonly tryFolder: (folder: string, needs: FolderNeeds) => TriedFolder;
}

export type Ran =
  | { readonly how: 'missing' }
  /** It ended with another code than 0, or did not end. */
  | { readonly how: 'failed'; readonly why: string }
  | { readonly how: 'done'; readonly output: string };

export interface FolderNeeds {
  /** Files get a second name in it. */
  readonly links: boolean;
}

export interface TriedFolder {
  /** Whole; the folder itself, or the nearest above it that is there. */
  readonly nearest: string;
  readonly isThere: boolean;
  /** For this user; undefined where the system does not tell. */
  readonly freeBytes: number | undefined;
  /** What failed first, and the system's error. */
  readonly refusal: { readonly step: 'look' | 'write' | 'link'; readonly cause: unknown } | undefined;
}
