// What an agent may do: CAP_NET_RAW and nothing else, in every thread, as the user that it is given.
//
// Capabilities belong to threads (capabilities(7)), and Node has several before any of our code runs: what the main thread
// gives up they would keep. So the program starts once more in its process (execve(2)), with no more than it needs; all of
// its threads come after that. It needs the one for as long as it runs: interfaces that come later take sockets, too.
import fs from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { addon } from '../../base/addon.ts';
import type { NativeUser } from '../../base/addon_types.ts';
import { WindrowError, systemReason } from '../../base/errors.ts';
import { makeFolders } from '../../base/folders.ts';
import { missingRight, openNflog } from '../../capture/nflog.ts';
import type { AgentOptions } from './options.ts';

/** Its number (linux/capability.h). */
const NET_RAW = 13n;
/** The program's name when it has been started once more. */
const CONFINED = 'windrow-agent';

/**
 * Comes back when this process has CAP_NET_RAW, if it ever had that, and no other right; until then the program starts once
 * more. Gives the socket of NFLOG, if that is wanted, which takes CAP_NET_ADMIN to open. Throws USAGE where there is no such
 * user, PRIVILEGES where it cannot be, OUTPUT_FAILED where the state cannot, INPUT_REFUSED where the socket is refused.
 */
export function confine({
  user,
  state,
  way,
  nflog,
}: Pick<AgentOptions, 'user' | 'state' | 'way' | 'nflog'>): number | undefined {
  const wanted = user === undefined ? undefined : found(user);
  const other = wanted && wanted.uid !== process.getuid!() ? wanted : undefined;
  if (!other && isConfined()) return nflog.length > 0 ? inheritedNflog() : undefined;
  if (process.argv0 === CONFINED) {
    const hint = 'start it by the unit of systemd, or with no capability but CAP_NET_RAW';
    throw new WindrowError('PRIVILEGES', `rights beside CAP_NET_RAW cannot be given up here: ${hint}`);
  }
  if (other && process.geteuid!() !== 0) {
    throw new WindrowError(
      'PRIVILEGES',
      `--user ${user}: only root becomes another user: start as root, or as ${user}`,
    );
  }
  if (other && way.to !== 'lines') makeState(state, other);
  // By this variable the program hands on to itself what it takes another right to open.
  if (nflog.length > 0) process.env.WINDROW_NFLOG_FD = String(openNflog(nflog));
  throw refused(user, startConfined(user, other));
}

function inheritedNflog(): number {
  const fd = process.env.WINDROW_NFLOG_FD;
  delete process.env.WINDROW_NFLOG_FD;
  if (fd === undefined || !/^[0-9]{1,9}$/.test(fd)) throw missingRight();
  return Number(fd);
}

function found(user: string): NativeUser {
  const account = addon.user_find(user);
  if (!account) throw new WindrowError('USAGE', `--user ${user}: there is no such user`);
  return account;
}

function isConfined(): boolean {
  const file = '/proc/self/status';
  const status = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  const permitted = /^CapPrm:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (permitted === undefined) {
    throw new WindrowError('PRIVILEGES', `what this process may do is not known: ${file} has no CapPrm: mount /proc`);
  }
  return (BigInt(`0x${permitted}`) & ~(1n << NET_RAW)) === 0n && /^NoNewPrivs:\s*1$/m.test(status);
}

/** A folder that only root can make is the user's; one that is there is left as it is. */
function makeState(folder: string, { uid, gid }: NativeUser): void {
  if (fs.existsSync(folder)) return;
  try {
    makeFolders(folder);
    const fd = fs.openSync(folder, fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
    fs.fchownSync(fd, uid, gid);
    fs.closeSync(fd);
  } catch (cause) {
    const message = `${folder}: the state cannot be kept there: ${systemReason(cause)}`;
    throw new WindrowError('OUTPUT_FAILED', message, { cause });
  }
}

/** Comes back with what keeps it from that. */
function startConfined(
  name: string | undefined,
  other: NativeUser | undefined,
): ReturnType<typeof addon.process_confine> {
  const [, script, ...args] = process.argv;
  return addon.process_confine(
    process.execPath,
    [CONFINED, ...process.execArgv, script, ...args],
    script,
    other && name !== undefined ? name : '',
    other?.uid ?? 0,
    other?.gid ?? 0,
  );
}

function refused(user: string | undefined, { what, errno }: { what: string; errno: number }): WindrowError {
  const code = getSystemErrorName(-errno);
  if (!what.startsWith('/')) return new WindrowError('PRIVILEGES', `rights cannot be given up: ${what}: ${code}`);
  const who = user === undefined ? 'an agent without the rights of root over files of others' : `the user ${user}`;
  return new WindrowError(
    'PRIVILEGES',
    `${what}: ${who} cannot run it (${code}): install Node.js and Windrow where they can be read`,
  );
}
