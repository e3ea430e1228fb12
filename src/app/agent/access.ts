// Whether the user that an agent is may write where it has to: asked before it begins, to say what and who.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { WindrowError, systemCode } from '../../base/errors.ts';
import { STDOUT } from '../../base/standard.ts';
import type { AgentOptions } from './options.ts';

const { R_OK, W_OK, X_OK } = fs.constants;

/** Throws OUTPUT_FAILED. What is wrong otherwise is found when it is opened. */
export function checkAccess({ way, state }: Pick<AgentOptions, 'way' | 'state'>): void {
  if (way.to === 'lines') {
    if (way.output !== STDOUT) checkFile(way.output);
    return;
  }
  if (way.to === 'tree') checkFolder(way.root, '--out');
  checkFolder(state, '--state');
  // Also what an agent left there that was another user: its state, its lock, its spool.
  const all = fs.existsSync(state) ? fs.readdirSync(state, { withFileTypes: true, recursive: true }) : [];
  const isRefused = ({ parentPath, name }: fs.Dirent): boolean => !isAllowed(path.join(parentPath, name), R_OK | W_OK);
  const refused = all.find(isRefused);
  if (!refused) return;
  const name = path.join(refused.parentPath, refused.name);
  throw refusal(`--state ${state}: ${name}`, (user) => `chown -R ${user} ${state}, or choose another`);
}

function checkFile(file: string): void {
  const name = fs.existsSync(file) ? file : path.dirname(file);
  if (isAllowed(name, W_OK)) return;
  throw refusal(`--output ${file}: ${name}`, () => 'choose another');
}

/** One that is not there is made in the nearest that is. */
function checkFolder(folder: string, flag: string): void {
  const [whole, nearest] = [path.resolve(folder), nearestOf(path.resolve(folder))];
  if (isAllowed(nearest, W_OK | X_OK | (nearest === whole ? R_OK : 0))) return;
  const todo = (user: string): string => (nearest === whole ? `chown -R ${user} ${whole}` : `make it for ${user}`);
  throw refusal(`${flag} ${folder}: ${nearest}`, (user) => `${todo(user)}, or choose another`);
}

function nearestOf(folder: string): string {
  return fs.existsSync(folder) || folder === path.dirname(folder) ? folder : nearestOf(path.dirname(folder));
}

function isAllowed(name: string, mode: number): boolean {
  try {
    fs.accessSync(name, mode);
    return true;
  } catch (error) {
    return systemCode(error) !== 'EACCES';
  }
}

function refusal(what: string, todo: (user: string) => string): WindrowError {
  const [user, isRoot] = [userName(), process.getuid!() === 0];
  const why = isRoot ? ', who has given up its rights over files of others' : '';
  return new WindrowError('OUTPUT_FAILED', `${what} cannot be written by the user ${user}${why}: ${todo(user)}`);
}

/** Some have no name. */
function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    return String(process.getuid!());
  }
}
