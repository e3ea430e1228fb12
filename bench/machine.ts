// The machine that the figures are from, in one line.
import fs from 'node:fs';
import os from 'node:os';

export function describeMachine(): string {
  const [cpu] = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  return [
    `${os.cpus().length} cores of ${cpu?.model.trim() ?? os.arch()}`,
    `${memory} GiB`,
    systemName(),
    `Linux ${os.release()}`,
    `Node ${process.versions.node}`,
  ].join(', ');
}

function systemName(): string {
  try {
    return /^PRETTY_NAME="(.*)"/m.exec(fs.readFileSync('/etc/os-release', 'utf8'))?.[1] ?? os.type();
  } catch {
    return os.type(); // not every system has that file
  }
}

/** Over the last minute: how many processes wanted a core. What others do on the machine is in every figure. */
export function load(): number {
  return os.loadavg()[0];
}
