// One node of a test cluster: Kafka's server as a child process, which cannot outlive the test process.
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { SCRAM_MECHANISMS, serverProperties } from './broker_properties.ts';
import type { NodeSettings } from './broker_properties.ts';

export interface Node {
  /** Its working directory: its properties, its data and its log. */
  readonly folder: string;
  /** What the Java machine is told, the class path among it. */
  readonly java: readonly string[];
}

const PROPERTIES = 'server.properties';
const LOG = 'broker.log';
const STARTED = 'Kafka Server started';

/** Short-lived, and with few cores for many: the quick compiler and the plain collector do best. */
const JAVA = [
  ...['-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-XX:-UsePerfData'],
  // Native libraries are unpacked there: beside the data, whence they go with it, even if the broker is killed.
  '-Djava.io.tmpdir=.',
  ...['showDateTime=true', 'dateTimeFormat=HH:mm:ss.SSS', 'logFile=System.out', 'defaultLogLevel=warn']
    .concat('log.kafka.server.KafkaRaftServer=info')
    .map((setting) => `-Dorg.slf4j.simpleLogger.${setting}`),
];

/** Writes the properties, and the storage, which holds the users' SCRAM secrets from the first moment on. */
export async function prepareNode(node: Node, settings: NodeSettings, clusterId: string): Promise<void> {
  fs.mkdirSync(node.folder);
  fs.writeFileSync(path.join(node.folder, PROPERTIES), serverProperties(settings));
  const scram = Object.entries(settings.security.users ?? {}).flatMap(([name, password]) =>
    SCRAM_MECHANISMS.flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${name},password=${password}]`]),
  );
  const args = ['format', `--cluster-id=${clusterId}`, '--config', PROPERTIES, ...scram];
  await promisify(execFile)('java', [...JAVA, ...node.java, 'kafka.tools.StorageTool', ...args], { cwd: node.folder });
}

export class BrokerProcess {
  readonly #node: Node;
  #child: ChildProcess | undefined;

  constructor(node: Node) {
    this.#node = node;
  }

  /** Runs the server; done when it serves. */
  async start(): Promise<void> {
    const java = ['java', ...JAVA, ...this.#node.java, 'kafka.Kafka', PROPERTIES];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...java], {
      cwd: this.#node.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const log = fs.createWriteStream(path.join(this.#node.folder, LOG), { flags: 'a' });
    child.stderr.pipe(log, { end: false });
    child.stdout.pipe(log, { end: false });
    child.on('close', () => log.end());
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (bytes: Buffer) => {
        if (bytes.includes(STARTED)) resolve();
      });
      child.on('error', reject);
      log.on('finish', () => reject(new Error(`the Kafka broker ended before it served:\n${this.#lastLines()}`)));
    });
  }

  /** Ends the server, if it runs, and waits until it has ended. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise((resolve) => child.on('close', resolve));
    child.kill(signal);
    await closed;
  }

  #lastLines(): string {
    return fs.readFileSync(path.join(this.#node.folder, LOG), 'utf8').split('\n').slice(-20).join('\n');
  }
}
