// What a node of a test cluster is told: server.properties of Kafka in KRaft mode, each node both broker and controller.
import type { Certificates } from './certificates.ts';

/** How clients have to come. Brokers among themselves, and the tests' own administration, use a plain listener. */
export interface Security {
  /** 'mutual': clients have to show a certificate, too. */
  readonly tls?: 'server' | 'mutual';
  /** Names and passwords, for SCRAM-SHA-256, SCRAM-SHA-512 and PLAIN alike. */
  readonly users?: Readonly<Record<string, string>>;
}

export interface Ports {
  readonly clients: number;
  readonly internal: number;
  readonly controller: number;
}

export interface NodeSettings {
  /** Counts from 1. */
  readonly node: number;
  /** Of all nodes, in their order. */
  readonly ports: readonly Ports[];
  readonly security: Security;
  readonly certificates: Certificates | undefined;
  /** Goes before everything else. */
  readonly properties: Readonly<Record<string, string | number>>;
}

export const SCRAM_MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

const HOST = '127.0.0.1';
const MIB = 1024 * 1024;

/** Small, quick to start, quick to notice that a node is gone. */
const MODEST = {
  'auto.create.topics.enable': 'false',
  'num.network.threads': 2,
  'num.io.threads': 2,
  'background.threads': 2,
  'log.cleaner.dedupe.buffer.size': 4 * MIB,
  'log.index.size.max.bytes': MIB,
  'group.initial.rebalance.delay.ms': 0,
  // Tests of members that die would else wait for 6 s at least.
  'group.min.session.timeout.ms': 500,
  'offsets.topic.num.partitions': 1,
  'transaction.state.log.num.partitions': 1,
  // How often timed-out transactions are looked for: 10 s by default.
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 200,
  // A node that was killed is let in again only when its former session is over: 9 s by default.
  'broker.session.timeout.ms': 2000,
  'broker.heartbeat.interval.ms': 400,
  'controller.quorum.election.timeout.ms': 500,
};

export function serverProperties(settings: NodeSettings): string {
  const properties = {
    ...MODEST,
    ...replication(settings.ports.length),
    ...listeners(settings),
    ...(settings.certificates === undefined ? {} : tls(settings.certificates, settings.security)),
    ...(settings.security.users === undefined ? {} : sasl(settings.security.users)),
    'log.dirs': 'data',
    ...settings.properties,
  };
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** Three nodes: each message on all of them, and one may be missing. */
function replication(nodes: number): Record<string, number> {
  const inSync = nodes > 1 ? nodes - 1 : 1;
  return {
    'default.replication.factor': nodes,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': nodes,
    'transaction.state.log.replication.factor': nodes,
    'transaction.state.log.min.isr': inSync,
  };
}

function listeners({ node, ports, security }: NodeSettings): Record<string, string | number> {
  const own = ports[node - 1];
  const at = (name: string, port: number): string => `${name}://${HOST}:${port}`;
  const open = [at('CLIENTS', own.clients), at('INTERNAL', own.internal)];
  return {
    'process.roles': 'broker,controller',
    'node.id': node,
    'controller.quorum.voters': ports.map(({ controller }, index) => `${index + 1}@${HOST}:${controller}`).join(','),
    listeners: [...open, at('CONTROLLER', own.controller)].join(','),
    'advertised.listeners': open.join(','),
    'listener.security.protocol.map': `CLIENTS:${protocolOf(security)},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
  };
}

function protocolOf({ tls, users }: Security): string {
  const transport = tls === undefined ? 'PLAINTEXT' : 'SSL';
  return users === undefined ? transport : `SASL_${transport}`;
}

function tls(certificates: Certificates, security: Security): Record<string, string> {
  return ofClients({
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': certificates.keyStore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': certificates.authority,
    'ssl.client.auth': security.tls === 'mutual' ? 'required' : 'none',
  });
}

/** Passwords for SCRAM are put into the storage when it is formatted; those for PLAIN stand here. */
function sasl(users: Readonly<Record<string, string>>): Record<string, string> {
  const modules = 'org.apache.kafka.common.security';
  const known = Object.entries(users).map(([name, password]) => ` user_${name}="${password}"`);
  return ofClients({
    'sasl.enabled.mechanisms': [...SCRAM_MECHANISMS, 'PLAIN'].join(','),
    'scram-sha-256.sasl.jaas.config': `${modules}.scram.ScramLoginModule required;`,
    'scram-sha-512.sasl.jaas.config': `${modules}.scram.ScramLoginModule required;`,
    'plain.sasl.jaas.config': `${modules}.plain.PlainLoginModule required${known.join('')};`,
  });
}

function ofClients(properties: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [`listener.name.clients.${key}`, value]));
}
