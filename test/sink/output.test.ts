// Where lines go: a file that appears with its first byte, and what cannot be written.
import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { WindrowError } from '../../src/base/errors.ts';
import { Output } from '../../src/sink/output.ts';
import { Workplace } from '../app/program.ts';

const workplace = new Workplace();

async function failure(action: () => Promise<void> | void): Promise<WindrowError> {
  const error: unknown = await Promise.resolve()
    .then(action)
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  expect(error).toBeInstanceOf(WindrowError);
  expect((error as WindrowError).code).toBe('OUTPUT_FAILED');
  return error as WindrowError;
}

describe('an output', () => {
  test('is not there before its first byte', async () => {
    const output = new Output(workplace.at('late'));
    expect(workplace.has('late')).toBe(false);
    await output.write(Buffer.from('a line\n'));
    expect(workplace.read('late')).toBe('a line\n');
    await output.close();
  });

  test('is there when it was closed, even if nothing was written', async () => {
    await new Output(workplace.at('empty')).close();
    expect(workplace.read('empty')).toBe('');
  });

  test('has what was written, in order, and counts it', async () => {
    const output = new Output(workplace.at('lines'));
    const block = Buffer.alloc(3_000_000, 'x');
    await output.write(block);
    await output.write(Buffer.from('\nend\n'));
    await output.close();
    expect(output.bytes).toBe(3_000_005);
    expect(workplace.read('lines')).toBe(`${'x'.repeat(3_000_000)}\nend\n`);
  });

  test('takes several blocks at once, also empty ones', async () => {
    const output = new Output(workplace.at('blocks'));
    await output.write(Buffer.from('one '), Buffer.alloc(0), Buffer.from('two'));
    await output.write(Buffer.alloc(0));
    await output.close();
    expect(workplace.read('blocks')).toBe('one two');
  });

  test('that was closed stays as it is', async () => {
    const output = new Output(workplace.at('closed'));
    await output.write(Buffer.from('lines'));
    await output.close();
    await output.close();
    expect((await failure(() => output.write(Buffer.from('more')))).message).toContain('it was closed');
    expect(workplace.read('closed')).toBe('lines');
  });

  test('replaces what was there', async () => {
    const output = new Output(workplace.file('something old and long', 'old'));
    await output.write(Buffer.from('new'));
    await output.close();
    expect(workplace.read('old')).toBe('new');
  });
});

describe('an output that fails says which, how far it came, and why', () => {
  test('on a full device', async () => {
    const error = await failure(() => new Output('/dev/full').write(Buffer.from('x')));
    expect(error.message).toBe('/dev/full: cannot be written: no space is left on the device');
    expect((error.cause as NodeJS.ErrnoException).code).toBe('ENOSPC');
  });

  test('in a directory that is not there', async () => {
    const file = workplace.at('no/file');
    expect((await failure(() => new Output(file).write(Buffer.from('x')))).message).toBe(
      `${file}: cannot be written: there is no such file`,
    );
    expect((await failure(() => new Output(file).close())).message).toContain('cannot be written');
    expect(fs.existsSync(workplace.at('no'))).toBe(false);
  });

  test('where it is a directory', async () => {
    expect((await failure(() => new Output(workplace.directory).write(Buffer.from('x')))).message).toContain(
      'it is a directory',
    );
  });
});
