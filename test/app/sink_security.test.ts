// Who comes in, and what is said to who does not: TLS and passwords, with the program and real brokers.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLUSTER_TIMEOUT_MS, KafkaCluster } from '../kafka/broker.ts';
import { describeWithKafka } from '../kafka/needs.ts';
import { Channel } from './channel.ts';
import { Workplace, windrow } from './program.ts';
import type { Ended } from './program.ts';
import { COUNTING, traffic } from './traffic.ts';
import { expectSameLines, replayedLines, treeLines } from './tree_lines.ts';

const workplace = new Workplace();
const PASSWORD = 'in wonderland';
const WRONG = 'through the looking-glass';
const CAPTURE = workplace.file(traffic({ entries: 100 }));
/** Where it takes all of the time, this is how long a failure takes; where it does not, the test would not end in time. */
const SHORT = ['--kafka-timeout', '3'];
const LONG = ['--kafka-timeout', '600'];

/** Nothing that is secret stands in what the program said. */
async function run(args: readonly string[], password?: string): Promise<Ended> {
  const ended = await windrow(args, password === undefined ? {} : { env: { WINDROW_KAFKA_PASSWORD: password } });
  for (const secret of [PASSWORD, WRONG]) expect(ended.stdout + ended.stderr).not.toContain(secret);
  return ended;
}

/** One line, and the end. */
async function refused(args: readonly string[], reason: string, password?: string): Promise<void> {
  const { code, stdout, stderr } = await run(args, password);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr.split('\n')).toEqual([expect.stringContaining(`cannot be reached: ${reason}`), '']);
}

describeWithKafka('a broker that wants certificates and passwords', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start({ security: { tls: 'mutual', users: { alice: PASSWORD } } });
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());

  const channel = (name: string, ...options: readonly string[]): Channel =>
    new Channel(cluster.brokers, name, ...options);
  const shown = (): string[] => {
    const { certificate, key } = cluster.certificates!.client;
    return ['--kafka-certificate', certificate, '--kafka-key', key];
  };
  const trusted = (): string[] => ['--kafka-tls', '--kafka-ca', cluster.certificates!.authority];
  const tls = (): string[] => [...trusted(), ...shown()];
  const alice = (mechanism: string): string[] => ['--kafka-sasl', mechanism, '--kafka-user', 'alice'];

  describe.concurrent.each(['plain', 'scram-sha-256', 'scram-sha-512'])('by %s', (mechanism) => {
    test('lets in who knows the password, from the environment or from a file', async ({ expect }) => {
      const file = workplace.file(`${PASSWORD}\nwhat else there is\n`, `password-${mechanism}`);
      const root = workplace.at(mechanism);
      const own = channel(mechanism, ...tls(), ...alice(mechanism));
      expect(await run(own.replay(CAPTURE), PASSWORD)).toMatchObject({ code: 0, stderr: '' });
      const { code, stderr } = await run(own.drain('--out', root, '--kafka-password-file', file));
      expect([code, stderr]).toEqual([0, expect.stringContaining('100 entries in 4 batches written')]);
      expectSameLines(treeLines(root), await replayedLines(CAPTURE, ...COUNTING));
    });

    test('says at once that a password is wrong, and does not say it', async () => {
      const own = channel('never', ...tls(), ...alice(mechanism), ...LONG);
      const reason = /plain/.test(mechanism)
        ? 'SASL authentication error: Authentication failed: Invalid username or password'
        : `SASL authentication error: Authentication failed during authentication due to invalid credentials with SASL mechanism ${mechanism.toUpperCase()}`;
      const hint = ': look at --kafka-user, its password and --kafka-sasl';
      await refused(own.replay(CAPTURE), reason + hint, WRONG);
      await refused(own.drain('--out', workplace.at('never')), reason + hint, WRONG);
    });
  });

  test.concurrent('is not trusted where another authority is, or only those of the system', async () => {
    const { stranger } = cluster.certificates!;
    for (const others of [['--kafka-ca', stranger], []]) {
      const own = channel('never', '--kafka-tls', ...others, ...shown(), ...alice('plain'), ...LONG);
      const reason = /cannot be reached: SSL handshake failed: .*certificate verify failed.*: look at --kafka-ca/;
      for (const args of [own.replay(CAPTURE), own.drain('--out', workplace.at('never'))]) {
        const { code, stderr } = await run(args, PASSWORD);
        expect([code, stderr]).toEqual([1, expect.stringMatching(reason)]);
        expect(stderr.split('\n')).toHaveLength(2);
      }
    }
  });

  test.concurrent('is not reached by who comes without TLS, or without a user', async () => {
    const plain = channel('never', ...alice('plain'), ...SHORT);
    await refused(plain.replay(CAPTURE), 'broker transport failure: is the port one without TLS?', PASSWORD);
    const nobody = channel('never', ...tls(), ...SHORT);
    for (const args of [nobody.replay(CAPTURE), nobody.drain('--out', workplace.at('never'))]) {
      const { code, stderr } = await run(args);
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/: does the port speak TLS, and does it ask for no user\?\n$/),
      ]);
      expect(stderr.split('\n')).toHaveLength(2);
    }
  });

  test.concurrent('is not asked where options do not fit together, or files cannot be read', async () => {
    const cases: [options: string[], reason: string][] = [
      [['--kafka-ca', 'x'], '--kafka-ca, --kafka-certificate and --kafka-key need --kafka-tls'],
      [['--kafka-tls', '--kafka-key', 'x'], '--kafka-certificate and --kafka-key are given together, or not at all'],
      [alice('plain'), '--kafka-sasl needs a password: --kafka-password-file, or WINDROW_KAFKA_PASSWORD'],
      [['--kafka-user', 'alice'], '--kafka-user needs --kafka-sasl (plain, scram-sha-256, scram-sha-512)'],
      [['--kafka-sasl', 'plain'], '--kafka-sasl needs --kafka-user'],
    ];
    for (const [options, reason] of cases) {
      const environment = reason.includes('needs --kafka-user') ? PASSWORD : '';
      expect(await run(channel('never', ...options).replay(CAPTURE), environment)).toMatchObject({
        code: 2,
        stderr: `windrow: ${reason}\n`,
      });
    }
    const missing = workplace.at('missing');
    const unread = channel('never', ...alice('plain'), '--kafka-password-file', missing);
    const { code, stderr } = await run(unread.drain('--out', workplace.at('never')));
    expect([code, stderr]).toEqual([2, expect.stringContaining(`--kafka-password-file ${missing}: cannot be read`)]);
  });

  test.concurrent('is not reached by who shows no certificate, or one that is not his', async () => {
    const anonymous = channel('never', ...trusted(), ...alice('plain'), ...LONG);
    for (const args of [anonymous.replay(CAPTURE), anonymous.drain('--out', workplace.at('never'))]) {
      const { code, stderr } = await run(args, PASSWORD);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/cannot be reached: .*certificate/)]);
      expect(stderr.split('\n')).toHaveLength(2);
    }
    const { client, broker } = cluster.certificates!;
    const others = ['--kafka-certificate', client.certificate, '--kafka-key', broker.key];
    const thief = channel('never', ...trusted(), ...others, ...alice('plain'), ...LONG);
    const reason = 'ssl.key.location failed: error:05800074:x509 certificate routines::key values mismatch';
    await refused(thief.replay(CAPTURE), reason, PASSWORD);
  });
});
