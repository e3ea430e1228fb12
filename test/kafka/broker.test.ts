// The cluster that the other tests trust: that it keeps what it has acknowledged, and refuses whom it has to refuse.
import fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProducerGlobalConfig } from 'node-rdkafka';
import { messagesOf, send } from './broker_client.ts';
import type { AskOptions } from './broker_client.ts';
import { CLUSTER_TIMEOUT_MS, KafkaCluster } from './broker.ts';
import { describeWithKafka } from './needs.ts';

/** Where a refusal, or no answer, is what is expected. */
const SOON = { timeoutMs: 3000 };

async function valuesOf(brokers: string, topic: string, options: AskOptions = {}): Promise<string[]> {
  const messages = await messagesOf({ 'bootstrap.servers': brokers }, topic, options);
  return messages.map(({ value }) => String(value));
}

describeWithKafka('one node', () => {
  let cluster: KafkaCluster;
  let settings: ProducerGlobalConfig;
  beforeAll(async () => {
    cluster = await KafkaCluster.start({ properties: { 'message.max.bytes': 1000 } });
    settings = { 'bootstrap.servers': cluster.brokers };
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());

  test('still has what it acknowledged when it was killed and started again', async () => {
    await cluster.createTopic('kept', { partitions: 2 });
    await send(settings, 'kept', ['one', 'two'], { partition: 1 });
    await send(settings, 'kept', ['zero']);
    await cluster.kill();
    await expect(valuesOf(cluster.brokers, 'kept', SOON)).rejects.toThrow('Connection refused');
    await cluster.startAgain();
    expect(await valuesOf(cluster.brokers, 'kept')).toEqual(['zero', 'one', 'two']);
    await cluster.stop();
    await cluster.startAgain();
    expect(await valuesOf(cluster.brokers, 'kept')).toEqual(['zero', 'one', 'two']);
  });

  test('has the properties, and its topics the configuration, that a test asks for', async () => {
    await cluster.createTopic('plain');
    await cluster.createTopic('roomy', { config: { 'max.message.bytes': '3000' } });
    await expect(send(settings, 'plain', ['x'.repeat(2000)])).rejects.toThrow('message size too large');
    await send(settings, 'roomy', ['x'.repeat(2000)]);
    await expect(send(settings, 'nowhere', ['x'], SOON)).rejects.toThrow();
    await expect(cluster.createTopic('plain')).rejects.toThrow('already exists');
  });

  test('leaves nothing behind when it is closed', async () => {
    const other = await KafkaCluster.start();
    expect(fs.existsSync(other.folder)).toBe(true);
    await other.close();
    expect(fs.existsSync(other.folder)).toBe(false);
    await expect(valuesOf(other.brokers, 'any', SOON)).rejects.toThrow('Connection refused');
  });
});

describeWithKafka('three nodes', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start({ nodes: 3 });
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());

  test('take messages while one of them is missing, and none while two are', async () => {
    const settings = { 'bootstrap.servers': cluster.brokers };
    await cluster.createTopic('shared', { partitions: 3 });
    await cluster.kill(2);
    for (const partition of [0, 1, 2]) await send(settings, 'shared', [`to ${partition}`], { partition });
    await cluster.kill(3);
    await expect(send(settings, 'shared', ['unsure'], SOON)).rejects.toThrow();
    await cluster.startAgain(2);
    await send(settings, 'shared', ['back'], { partition: 2 });
    // What was not acknowledged may be there or not.
    const values = (await valuesOf(cluster.brokers, 'shared')).filter((value) => value !== 'unsure');
    expect(values).toEqual(['to 0', 'to 1', 'to 2', 'back']);
  });
});

describeWithKafka('a node with TLS and passwords', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await KafkaCluster.start({ security: { tls: 'mutual', users: { alice: 'in wonderland' } } });
    await cluster.createTopic('secret');
  }, CLUSTER_TIMEOUT_MS);
  afterAll(() => cluster?.close());

  function alice(different: ProducerGlobalConfig = {}): ProducerGlobalConfig {
    const { authority, client } = cluster.certificates!;
    return {
      'bootstrap.servers': cluster.brokers,
      'security.protocol': 'sasl_ssl',
      'ssl.ca.location': authority,
      'ssl.certificate.location': client.certificate,
      'ssl.key.location': client.key,
      'sasl.mechanisms': 'SCRAM-SHA-256',
      'sasl.username': 'alice',
      'sasl.password': 'in wonderland',
      ...different,
    };
  }

  test.concurrent.each(['SCRAM-SHA-256', 'SCRAM-SHA-512', 'PLAIN'])(
    'lets the right password in, and no other, by %s',
    async (mechanism) => {
      const known = alice({ 'sasl.mechanisms': mechanism });
      await send(known, 'secret', [mechanism]);
      const values = (await messagesOf(known, 'secret')).map(({ value }) => String(value));
      expect(values).toContain(mechanism);
      const wrong = send({ ...known, 'sasl.password': 'through the looking-glass' }, 'secret', ['never'], SOON);
      await expect(wrong).rejects.toThrow('Authentication failed');
    },
  );

  test.concurrent('is refused by whom trusts another authority, and refuses whom shows no certificate', async () => {
    const stranger = alice({ 'ssl.ca.location': cluster.certificates!.stranger });
    const anonymous = alice();
    delete anonymous['ssl.certificate.location'];
    delete anonymous['ssl.key.location'];
    const plain = { 'bootstrap.servers': cluster.brokers };
    const never = (settings: ProducerGlobalConfig): Promise<void> => send(settings, 'secret', ['never'], SOON);
    await Promise.all([
      expect(never(stranger)).rejects.toThrow('certificate verify failed'),
      expect(never(anonymous)).rejects.toThrow(/alert (bad )?certificate/),
      expect(never(plain)).rejects.toThrow('the client cannot connect'),
    ]);
  });
});
