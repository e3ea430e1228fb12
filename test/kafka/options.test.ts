// How Kafka is reached: what a command line and the environment give, what is wrong with it, and that a password stays one.
import util from 'node:util';
import { describe, expect, test } from 'vitest';
import { WindrowError } from '../../src/base/errors.ts';
import { defaultsOf } from '../../src/base/options.ts';
import { KAFKA_OPTIONS, PASSWORD_VARIABLE, PRODUCER_OPTIONS, readKafkaSettings } from '../../src/kafka/options.ts';
import type { KafkaFlags, KafkaSettings, Surroundings } from '../../src/kafka/options.ts';

const DEFAULTS = defaultsOf([...KAFKA_OPTIONS, ...PRODUCER_OPTIONS]) as unknown as KafkaFlags;
const SECRET = 'pa55 wörd';

function noFile(path: string): string {
  throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' });
}

function read(flags: Partial<KafkaFlags>, surroundings: Partial<Surroundings> = {}): KafkaSettings {
  return readKafkaSettings({ ...DEFAULTS, ...flags }, { environment: {}, readFile: noFile, ...surroundings });
}

function refusalOf(flags: Partial<KafkaFlags>, surroundings: Partial<Surroundings> = {}): string {
  try {
    read(flags, surroundings);
  } catch (error) {
    expect(error).toBeInstanceOf(WindrowError);
    expect((error as WindrowError).code).toBe('USAGE');
    // Whatever is told or stored of it.
    expect(util.inspect(error)).not.toContain(SECRET);
    return (error as WindrowError).message;
  }
  throw new Error('it was not refused');
}

const sasl = { kafkaSasl: 'scram-sha-512', kafkaUser: 'windrow' } as const;
const environment = { [PASSWORD_VARIABLE]: SECRET };

describe('settings', () => {
  test('where only brokers are given are those of the table', () => {
    expect(read({ kafka: ['localhost:9092'] })).toEqual({
      brokers: ['localhost:9092'],
      prefix: 'windrow.',
      partitions: 12,
      timeoutMs: 30_000,
      compression: 'zstd',
      tls: undefined,
      sasl: undefined,
    });
  });

  test('cannot be changed', () => {
    const settings = read({ ...sasl, kafka: ['localhost:9092'] }, { environment });
    expect(Object.isFrozen(settings)).toBe(true);
    expect(Object.isFrozen(settings.sasl)).toBe(true);
  });

  test('take files for TLS as they are named', () => {
    expect(read({ kafkaTls: true }).tls).toEqual({ ca: undefined, certificate: undefined, key: undefined });
    const files = { kafkaTls: true, kafkaCa: 'ca.pem', kafkaCertificate: 'c.pem', kafkaKey: 'k.pem' };
    expect(read(files).tls).toEqual({ ca: 'ca.pem', certificate: 'c.pem', key: 'k.pem' });
  });
});

describe('a broker', () => {
  test.each(['localhost:9092', '10.0.0.1:1', '[::1]:9092', '[2001:DB8::1]:65535', 'a-b.example.org:09092'])(
    'can be %s',
    (broker) => {
      expect(read({ kafka: [broker] }).brokers).toEqual([broker]);
    },
  );

  test.each([
    'localhost',
    'localhost:',
    ':9092',
    'localhost:0',
    'localhost:65536',
    'localhost:99999999999999999999',
    'localhost:9092x',
    'local host:9092',
    'kafka://localhost:9092',
    '::1:9092',
    '[::1]',
    '[localhost]:9092',
    'a:1/b:2',
    '',
  ])('cannot be %j', (broker) => {
    const others = ['localhost:9092', broker];
    expect(refusalOf({ kafka: others })).toBe(`--kafka ${broker}: expected HOST:PORT, such as localhost:9092`);
  });
});

describe('a prefix', () => {
  test.each(['', 'a', 'A.b_c-9.', 'x'.repeat(128)])('can be %j', (kafkaPrefix) => {
    expect(read({ kafkaPrefix }).prefix).toBe(kafkaPrefix);
  });

  test.each(['a b', 'a/b', 'ä', 'x'.repeat(129), 'a\n'])('cannot be %j', (kafkaPrefix) => {
    expect(refusalOf({ kafkaPrefix })).toBe(`--kafka-prefix ${kafkaPrefix}: expected up to 128 of A-Z a-z 0-9 . _ -`);
  });
});

describe('TLS', () => {
  test.each<Partial<KafkaFlags>>([{ kafkaCa: 'f' }, { kafkaCertificate: 'f', kafkaKey: 'f' }, { kafkaKey: 'f' }])(
    'has to be asked for with %j',
    (flags) => {
      expect(refusalOf(flags)).toBe('--kafka-ca, --kafka-certificate and --kafka-key need --kafka-tls');
    },
  );

  test.each<Partial<KafkaFlags>>([{ kafkaCertificate: 'f' }, { kafkaKey: 'f' }])('takes no half: %j', (flags) => {
    expect(refusalOf({ ...flags, kafkaTls: true })).toBe(
      '--kafka-certificate and --kafka-key are given together, or not at all',
    );
  });
});

describe('a user', () => {
  test('logs in with a password of the environment', () => {
    const { sasl: read_ } = read({ ...sasl }, { environment });
    expect({ ...read_, password: read_!.password }).toEqual({
      mechanism: 'scram-sha-512',
      user: 'windrow',
      password: SECRET,
    });
  });

  test.each([SECRET, `${SECRET}\n`, `${SECRET}\r\n`, `${SECRET}\nanother line\n`])(
    'logs in with the first line of a file: %j',
    (text) => {
      const asked: string[] = [];
      const readFile = (path: string): string => {
        asked.push(path);
        return text;
      };
      const flags = { ...sasl, kafkaPasswordFile: '/run/secret' };
      // What is on the command line is meant.
      const surroundings = { environment: { [PASSWORD_VARIABLE]: 'another' }, readFile };
      expect(read(flags, surroundings).sasl!.password).toBe(SECRET);
      expect(asked).toEqual(['/run/secret']);
    },
  );

  test('does not log in because there is a password', () => {
    expect(read({}, { environment }).sasl).toBeUndefined();
  });

  test.each<[Partial<KafkaFlags>, string]>([
    [{ kafkaUser: 'windrow' }, '--kafka-user needs --kafka-sasl (plain, scram-sha-256, scram-sha-512)'],
    [{ kafkaPasswordFile: 'f' }, '--kafka-password-file needs --kafka-sasl (plain, scram-sha-256, scram-sha-512)'],
    [{ kafkaSasl: 'plain' }, '--kafka-sasl needs --kafka-user'],
    [{ kafkaSasl: 'plain', kafkaUser: '' }, '--kafka-sasl needs --kafka-user'],
  ])('is asked for what is missing: %j', (flags, message) => {
    expect(refusalOf(flags, { environment, readFile: () => SECRET })).toBe(message);
  });

  test.each<[string, Partial<Surroundings>, Partial<KafkaFlags>]>([
    ['there is none', {}, {}],
    ['it is empty', { environment: { [PASSWORD_VARIABLE]: '' } }, {}],
    ['the file is empty', { environment, readFile: () => '' }, { kafkaPasswordFile: 'f' }],
    ['the first line of the file is empty', { readFile: () => `\n${SECRET}\n` }, { kafkaPasswordFile: 'f' }],
  ])('is asked for a password where %s', (_, surroundings, flags) => {
    expect(refusalOf({ ...sasl, ...flags }, surroundings)).toBe(
      '--kafka-sasl needs a password: --kafka-password-file, or WINDROW_KAFKA_PASSWORD',
    );
  });

  test('is told why the file of the password cannot be read', () => {
    expect(refusalOf({ ...sasl, kafkaPasswordFile: 'no/file' }, { environment })).toBe(
      '--kafka-password-file no/file: cannot be read: there is no such file',
    );
  });
});

describe('a password', () => {
  const settings = read({ ...sasl, kafka: ['localhost:9092'] }, { environment });

  test('is there for who asks for it, and not in what is printed or stored of the settings', () => {
    expect(settings.sasl!.password).toBe(SECRET);
    const shown = [
      JSON.stringify(settings),
      util.inspect(settings, { depth: 9 }),
      // eslint-disable-next-line @typescript-eslint/no-base-to-string -- that is what is looked at
      String(settings.sasl),
      JSON.stringify({ ...settings.sasl }),
    ];
    for (const text of shown) expect(text).not.toContain('wörd');
    expect(shown[0]).toContain('"user":"windrow"');
  });

  test('can be given by no option: it would be seen in the list of processes', () => {
    const flags = [...KAFKA_OPTIONS, ...PRODUCER_OPTIONS].map((spec) => spec.flags);
    expect(flags.filter((flag) => /password|secret/.test(flag))).toEqual(['--kafka-password-file <file>']);
  });
});
