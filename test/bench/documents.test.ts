// Writing into the repository's own files.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeSection } from '../../bench/documents.ts';

let folder = '';
let file = '';

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'windrow-bench-'));
  file = path.join(folder, 'README.md');
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

test('a section is written between its markers, formatted, and nothing else is touched', async () => {
  const around = (inside: string): string =>
    `# Before\n\n<!-- other -->\n\nkept\n\n<!-- end -->\n\n<!-- bench -->\n\n${inside}\n\n<!-- end -->\n\nAfter $& $1\n`;
  fs.writeFileSync(file, around('old').replace('\n\nold\n\n', '\n'));
  for (let again = 0; again < 2; again++) {
    await writeSection(file, 'bench', '| a | b |\n| --- | --: |\n| $& | 1 |\n');
    expect(fs.readFileSync(file, 'utf8')).toBe(around('| a   |   b |\n| --- | --: |\n| $&  |   1 |'));
  }
});

test.each([
  ['no such section', '<!-- other -->\n<!-- end -->\n'],
  ['a section without an end', '<!-- bench -->\nold\n'],
])('a file with %s is refused, and left as it is', async (_, text) => {
  fs.writeFileSync(file, text);
  await expect(writeSection(file, 'bench', 'new')).rejects.toThrow('<!-- bench --> ... <!-- end -->');
  expect(fs.readFileSync(file, 'utf8')).toBe(text);
});
