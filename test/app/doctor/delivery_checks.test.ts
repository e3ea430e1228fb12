// Where entries go from a host: folders that cannot be written, and a Kafka client that is missing or too old.
import { describe, expect, test } from 'vitest';
import { checkFolders } from '../../../src/app/doctor/folders.ts';
import { checkKafka } from '../../../src/app/doctor/kafka.ts';
import type { TriedFolder } from '../../../src/app/doctor/machine.ts';
import { WindrowError } from '../../../src/base/errors.ts';
import { defaultsOf } from '../../../src/base/options.ts';
import type { Rdkafka } from '../../../src/kafka/client.ts';
import { KAFKA_OPTIONS, readKafkaSettings } from '../../../src/kafka/options.ts';
import type { KafkaFlags, KafkaSettings } from '../../../src/kafka/options.ts';
import { machine, systemError } from './machine.ts';

describe('a folder', () => {
  const folder = (tried: Partial<TriedFolder>): unknown =>
    checkFolders(machine({ tried }), [{ flag: '--spool', folder: '/spool', links: false }])[0];

  test('is well where it was written and has room', () => {
    expect(folder({})).toEqual({
      check: 'folder',
      subject: '--spool /spool',
      status: 'ok',
      says: 'written and synced; 10.0 GiB free',
    });
    expect(folder({ isThere: false, nearest: '/' })).toMatchObject({
      status: 'ok',
      says: 'not there, and can be made in /; 10.0 GiB free',
    });
    expect(folder({ freeBytes: undefined })).toMatchObject({ status: 'ok' });
  });

  test.each([
    [2 * 2 ** 30, 'ok'],
    [2 * 2 ** 30 - 1, 'warning'],
    [0, 'failure'],
  ])('with %i free bytes is: %s', (freeBytes, status) => {
    expect(folder({ freeBytes })).toMatchObject({ status });
  });

  test.each([
    ['write', 'EROFS', 'the file system is read-only', 'mount it for writing'],
    ['write', 'ENOSPC', 'no space is left on the device', 'make room'],
    ['write', 'EACCES', 'permission denied', 'chown /'],
    ['look', 'ENOTDIR', 'a part of its path is not a directory', 'choose another --spool'],
    ['link', 'EPERM', 'files get no second name there (EPERM)', 'on a file system with hard links'],
  ] as const)('that fails to %s with %s says why, and what to do', (step, code, why, todo) => {
    expect(folder({ refusal: { step, cause: systemError(code) } })).toMatchObject({
      status: 'failure',
      says: expect.stringContaining(why) as string,
      todo: expect.stringContaining(todo) as string,
    });
  });
});

describe('Kafka', () => {
  const settings = (...kafka: readonly string[]): KafkaSettings =>
    readKafkaSettings(
      { ...(defaultsOf(KAFKA_OPTIONS) as unknown as KafkaFlags), kafka },
      {
        environment: {},
        readFile: () => '',
      },
    );
  const missing = (): Promise<Rdkafka> => Promise.reject(new WindrowError('KAFKA', 'it is not installed: install it'));

  test('is a failure without a client where brokers were named, and a warning where not', async () => {
    expect(await checkKafka(settings('localhost:9092'), missing)).toMatchObject([
      { subject: 'client', status: 'failure', says: 'it is not installed: install it' },
    ]);
    expect(await checkKafka(settings(), missing)).toMatchObject([{ subject: 'client', status: 'warning' }]);
  });

  test('is not asked where no brokers were named; what its client can do is told', async () => {
    const client = { librdkafkaVersion: '2.3.4', features: ['gzip', 'ssl', 'zstd'] } as unknown as Rdkafka;
    expect(await checkKafka(settings(), () => Promise.resolve(client))).toEqual([
      { check: 'kafka', subject: 'client', status: 'ok', says: 'librdkafka 2.3.4 with ssl, zstd' },
      { check: 'kafka', subject: 'brokers', status: 'ok', says: 'skipped: --kafka HOST:PORT was not given' },
    ]);
  });

  test('does not hide a defect behind a finding', async () => {
    await expect(checkKafka(settings(), () => Promise.reject(new TypeError('a defect')))).rejects.toThrow('a defect');
  });
});
