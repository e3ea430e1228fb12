// The C++ programs of the bench: compiled on first use, and again when their source is newer.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { PACKAGE_FOLDER } from './package_folder.ts';

const FLAGS = ['-std=c++20', '-O3', '-march=x86-64-v2', '-Wall', '-Wextra'];

/** The path of the compiled program `name`. Throws where it does not compile. */
export function provideProgram(folder: string, name: 'bare_loop' | 'meter' | 'live/sender'): string {
  const source = path.join(PACKAGE_FOLDER, 'bench', `${name}.cc`);
  const program = path.join(folder, 'bin', name);
  if (isNewer(program, source)) return program;
  fs.mkdirSync(path.dirname(program), { recursive: true });
  const flags = process.arch === 'x64' ? FLAGS : FLAGS.filter((flag) => !flag.startsWith('-march'));
  const compiled = spawnSync('g++', [...flags, source, '-o', program], { encoding: 'utf8' });
  if (compiled.status !== 0)
    throw new Error(`g++ could not compile ${source}: ${compiled.stderr || String(compiled.error)}`);
  return program;
}

function isNewer(program: string, source: string): boolean {
  const stat = fs.statSync(program, { throwIfNoEntry: false });
  return stat !== undefined && stat.mtimeMs > fs.statSync(source).mtimeMs;
}
