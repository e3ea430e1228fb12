// A real Kafka cluster for tests: one node or three, on loopback, which can be killed and come back.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import rdkafka from 'node-rdkafka';
import { called, inSync } from './broker_client.ts';
import { classArchive } from './broker_archive.ts';
import { installKafka } from './broker_install.ts';
import { freePorts } from './broker_ports.ts';
import { BrokerProcess, prepareNode } from './broker_process.ts';
import type { Node } from './broker_process.ts';
import type { Ports, Security } from './broker_properties.ts';
import { makeCertificates } from './certificates.ts';
import type { Certificates } from './certificates.ts';

export interface ClusterOptions {
  /** 1 unless said: of three, any one may be missing. */
  readonly nodes?: 1 | 3;
  readonly security?: Security;
  /** Lines of server.properties that differ from what a test broker has. */
  readonly properties?: Readonly<Record<string, string | number>>;
}

export interface TopicOptions {
  readonly partitions?: number;
  readonly config?: Readonly<Record<string, string>>;
}

/** For `beforeAll`: the first time on a machine, Kafka is fetched. */
export const CLUSTER_TIMEOUT_MS = 300_000;

/** Of a node that comes back under load. */
const IN_SYNC_TIMEOUT_MS = 60_000;

const FOLDER_PREFIX = 'windrow-kafka-';

export class KafkaCluster {
  /** With `security.tls`. */
  readonly certificates: Certificates | undefined;
  /** Has a folder for each node, with its log in broker.log. */
  readonly folder: string;
  readonly #ports: readonly Ports[];
  readonly #processes: readonly BrokerProcess[];

  private constructor(folder: string, ports: readonly Ports[], nodes: readonly Node[], certificates?: Certificates) {
    this.folder = folder;
    this.#ports = ports;
    this.#processes = nodes.map((node) => new BrokerProcess(node));
    this.certificates = certificates;
  }

  /** A cluster that serves. */
  static async start(options: ClusterOptions = {}): Promise<KafkaCluster> {
    const { nodes: size = 1, security = {}, properties = {} } = options;
    const folder = makeFolder();
    const java = await javaOptions(folder);
    const certificates = security.tls === undefined ? undefined : makeCertificates(folder);
    const ports = await portsOf(size);
    const nodes = ports.map((_, index): Node => ({ folder: path.join(folder, `node-${index + 1}`), java }));
    const cluster = new KafkaCluster(folder, ports, nodes, certificates);
    const clusterId = randomBytes(16).toString('base64url');
    const common = { ports, security, certificates, properties };
    try {
      await Promise.all(nodes.map((node, index) => prepareNode(node, { ...common, node: index + 1 }, clusterId)));
      await Promise.all(cluster.#processes.map((process) => process.start()));
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  /** Where clients come in, of all nodes, separated by commas. */
  get brokers(): string {
    return this.#ports.map(({ clients }) => `127.0.0.1:${clients}`).join(',');
  }

  /** Ends a node at once, like a crash. Nodes count from 1. */
  kill(node = 1): Promise<void> {
    return this.#processes[node - 1].end('SIGKILL');
  }

  /** Ends a node in order. */
  stop(node = 1): Promise<void> {
    return this.#processes[node - 1].end('SIGTERM');
  }

  /** Starts a node that was killed or stopped, on its ports and with its data. */
  startAgain(node = 1): Promise<void> {
    return this.#processes[node - 1].start();
  }

  /** Resolves when every node has all messages: until then no other may be missing. */
  inSync(): Promise<void> {
    return inSync({ 'metadata.broker.list': this.brokers }, { timeoutMs: IN_SYNC_TIMEOUT_MS });
  }

  /** Ends all nodes and removes what they wrote. */
  async close(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.end('SIGKILL')));
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** Each message of it is on every node. */
  async createTopic(name: string, { partitions = 1, config = {} }: TopicOptions = {}): Promise<void> {
    const internal = this.#ports.map((ports) => `127.0.0.1:${ports.internal}`).join(',');
    const admin = rdkafka.AdminClient.create({ 'metadata.broker.list': internal });
    const topic = { topic: name, num_partitions: partitions, replication_factor: this.#ports.length, config };
    try {
      await called<undefined>((done) => admin.createTopic(topic, done));
    } finally {
      admin.disconnect();
    }
  }
}

async function javaOptions(folder: string): Promise<string[]> {
  const kafka = await installKafka();
  const archive = await classArchive(kafka.classPath, kafka.folder, folder);
  return ['-cp', kafka.classPath, `-XX:SharedArchiveFile=${archive}`];
}

async function portsOf(nodes: number): Promise<Ports[]> {
  const free = await freePorts(nodes * 3);
  return Array.from({ length: nodes }, (_, index) => {
    const [clients, internal, controller] = free.slice(index * 3);
    return { clients, internal, controller };
  });
}

/** A folder that names the process it belongs to; those of processes that ended without removing theirs are removed. */
function makeFolder(): string {
  const parent = os.tmpdir();
  for (const name of fs.readdirSync(parent)) {
    const owner = name.startsWith(FOLDER_PREFIX) ? Number.parseInt(name.slice(FOLDER_PREFIX.length)) : Number.NaN;
    if (owner > 0 && !isRunning(owner)) fs.rmSync(path.join(parent, name), { recursive: true, force: true });
  }
  return fs.mkdtempSync(path.join(parent, `${FOLDER_PREFIX}${process.pid}-`));
}

function isRunning(pid: number): boolean {
  return fs.existsSync(`/proc/${pid}`);
}
