// Whether folders can be written, and have room.
import { systemCode, systemReason } from '../../base/errors.ts';
import { bytes } from '../units.ts';
import { failure, warning, well } from './findings.ts';
import type { Finding } from './findings.ts';
import type { FolderNeeds, Machine, TriedFolder } from './machine.ts';

const LEAST_FREE_BYTES = 2 * 2 ** 30;

export interface WantedFolder extends FolderNeeds {
  /** What it is for, as it was given: `--spool`. */
  readonly flag: string;
  readonly folder: string;
}

export function checkFolders(machine: Machine, wanted: readonly WantedFolder[]): Finding[] {
  return wanted.map((one) => folderFinding(one, machine.tryFolder(one.folder, one)));
}

function folderFinding({ flag, folder }: WantedFolder, tried: TriedFolder): Finding {
  const subject = `${flag} ${folder}`;
  const { nearest, isThere, freeBytes, refusal } = tried;
  if (refusal) {
    const where = isThere ? '' : `it is not there, and ${nearest} is the nearest above that is: `;
    const [says, todo] = refused(refusal, nearest, flag);
    return failure('folder', `${where}${says}`, todo, subject);
  }
  const state = isThere ? 'written and synced' : `not there, and can be made in ${nearest}`;
  if (freeBytes === undefined) return well('folder', `${state}; free room not known`, subject);
  const says = `${state}; ${bytes(freeBytes)} free`;
  if (freeBytes >= LEAST_FREE_BYTES) return well('folder', says, subject);
  const todo = `make room, or choose another ${flag}: ${bytes(LEAST_FREE_BYTES)} at least`;
  return (freeBytes > 0 ? warning : failure)('folder', says, todo, subject);
}

function refused(
  { step, cause }: NonNullable<TriedFolder['refusal']>,
  nearest: string,
  flag: string,
): [says: string, todo: string] {
  const reason = systemReason(cause);
  if (step === 'look') return [`cannot be used: ${reason}`, `choose another ${flag}`];
  if (step === 'link') {
    const says = `files get no second name there (${systemCode(cause) || reason}), which is how they are published whole`;
    return [says, `choose another ${flag}, on a file system with hard links`];
  }
  const todos: Readonly<Record<string, string>> = {
    EROFS: `mount it for writing, or choose another ${flag}`,
    ENOSPC: `make room, or choose another ${flag}`,
    EDQUOT: `make room, or choose another ${flag}`,
    EACCES: `chown ${nearest} to whoever runs the agent, or choose another ${flag}`,
  };
  return [`cannot be written: ${reason}`, todos[systemCode(cause)] ?? `choose another ${flag}`];
}
