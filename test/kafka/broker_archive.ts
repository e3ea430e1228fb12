// The classes that a broker loads, archived once for each Java machine: with them it starts in a third of the time.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { freePorts } from './broker_ports.ts';
import { BrokerProcess, prepareNode } from './broker_process.ts';

/** Gives the archive, which stands beside Kafka; where it is missing, a broker is run in `folder` to make it. */
export async function classArchive(classPath: string, cache: string, folder: string): Promise<string> {
  const machine = createHash('sha256').update(spawnSync('java', ['-version']).stderr);
  const archive = path.join(cache, `classes-${machine.digest('hex').slice(0, 16)}.jsa`);
  if (fs.existsSync(archive)) return archive;
  const made = path.join(folder, 'classes.jsa');
  await archiveClasses(classPath, path.join(folder, 'archived'), made);
  // Beside its place first, so that nobody sees half of it.
  const aside = `${archive}.${process.pid}`;
  fs.copyFileSync(made, aside);
  fs.renameSync(aside, archive);
  return archive;
}

async function archiveClasses(classPath: string, folder: string, made: string): Promise<void> {
  const [clients, internal, controller] = await freePorts(3);
  const node = { folder, java: ['-cp', classPath] };
  const settings = { node: 1, ports: [{ clients, internal, controller }], security: {}, properties: {} };
  await prepareNode(node, { ...settings, certificates: undefined }, 'windrow-class-archive');
  // Java 17 writes the archive when the machine ends in order.
  const broker = new BrokerProcess({ folder, java: [...node.java, `-XX:ArchiveClassesAtExit=${made}`] });
  await broker.start();
  await broker.end('SIGTERM');
}
