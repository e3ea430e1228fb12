// How clients of the library are let go.
import { expect, test } from 'vitest';
import { disconnectProducer } from '../../src/kafka/client.ts';
import type { Rdkafka } from '../../src/kafka/client.ts';

/** What is asked of a producer, in its order. */
function producer(isConnected: boolean): { asked: string[]; producer: InstanceType<Rdkafka['Producer']> } {
  const asked: string[] = [];
  const double = {
    isConnected: () => isConnected,
    setPollInterval: (ms: number) => asked.push(`polls every ${ms} ms`),
    disconnect: (done: (error: unknown) => void) => {
      asked.push('disconnects');
      done(new Error('it is not there any more'));
    },
  };
  return { asked, producer: double as unknown as InstanceType<Rdkafka['Producer']> };
}

test('a producer is not polled any more when another thread begins to take it away', async () => {
  const { asked, producer: connected } = producer(true);
  await disconnectProducer(connected);
  expect(asked).toEqual(['polls every 0 ms', 'disconnects']);
});

test('a producer that is not connected is left as it is', async () => {
  const { asked, producer: gone } = producer(false);
  await disconnectProducer(gone);
  expect(asked).toEqual([]);
});
