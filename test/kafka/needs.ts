// What a real broker needs of the machine: a Java that runs Kafka 4, and Maven, which fetches it once.
import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';
import { leftOut } from '../needs.ts';
import { isKafkaHere } from './broker_install.ts';

const OLDEST_JAVA = 17;

/** `describe`, where brokers run; else says what is left out and why. Throws in CI, where everything has to run. */
export const describeWithKafka = whereKafkaRuns();

function whereKafkaRuns(): typeof describe | typeof describe.skip {
  const missing = whatIsMissing();
  if (missing === undefined) return describe;
  leftOut(`tests with a Kafka broker: ${missing}`);
  return describe.skip;
}

function whatIsMissing(): string | undefined {
  const java = /version "(\d+)/.exec(said('java', '-version'))?.[1];
  if (java === undefined || Number(java) < OLDEST_JAVA) {
    return `expected Java ${OLDEST_JAVA} or newer, found ${java ?? 'none'}; Debian has it as openjdk-17-jre-headless`;
  }
  if (!isKafkaHere() && said('mvn', '-version') === '')
    return 'Maven is missing, which would fetch Kafka; Debian: maven';
  if (said('setpriv', '--version') === '') return 'setpriv is missing; Debian: util-linux';
  return said('openssl', 'version') === '' ? 'openssl is missing' : undefined;
}

/** All that a program writes; nothing if it is not there. */
function said(program: string, argument: string): string {
  const { stdout, stderr } = spawnSync(program, [argument], { encoding: 'utf8' });
  return `${stdout ?? ''}${stderr ?? ''}`;
}
