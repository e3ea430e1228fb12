// The files that the bench writes into the repository, formatted like all others.
import fs from 'node:fs';
import path from 'node:path';
import prettier from 'prettier';
import { PACKAGE_FOLDER } from './package_folder.ts';

const inBench = (name: string): string => path.join(PACKAGE_FOLDER, 'bench', name);

export const DOCUMENTS = {
  /** Of the bench: the long tables. */
  long: inBench('README.md'),
  /** Of the repository: the short ones. */
  short: inBench('../README.md'),
  plot: inBench('plot.svg'),
  profile: inBench('profile.md'),
  /** The measurement that is shown in the READMEs. */
  results: inBench('results.json'),
};

/** Writes a whole file. */
export async function writeDocument(file: string, text: string): Promise<void> {
  const { inferredParser } = await prettier.getFileInfo(file);
  const options = { ...(await prettier.resolveConfig(file)), filepath: file };
  fs.writeFileSync(file, inferredParser === null ? text : await prettier.format(text, options));
}

/** Writes what stands between `<!-- section -->` and the next `<!-- end -->` of a file. */
export async function writeSection(file: string, section: string, text: string): Promise<void> {
  const old = fs.readFileSync(file, 'utf8');
  const begin = `<!-- ${section} -->\n`;
  const from = old.indexOf(begin) + begin.length;
  const to = old.indexOf('<!-- end -->', from);
  if (from < begin.length || to < 0) throw new Error(`${file} has no ${begin.trim()} ... <!-- end -->`);
  await writeDocument(file, `${old.slice(0, from)}\n${text.trimEnd()}\n\n${old.slice(to)}`);
}
