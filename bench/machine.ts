// The machine that the figures are from, in one line.
import fs from 'node:fs';
import os from 'node:os';

export function describeMachine(): string {
  const [cpu] = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  const load = os.loadavg()[0].toFixed(1);
  return [
    `${os.cpus().length} cores of ${cpu?.model.trim() ?? os.arch()}`,
    `${memory} GiB`,
    systemName(),
    `Linux ${os.release()}`,
    `Node ${process.versions.node}`,
    `load before the first run ${load}`,
  ].join(', ');
}

function systemName(): string {
  try {
    return /^PRETTY_NAME="(.*)"/m.exec(fs.readFileSync('/etc/os-release', 'utf8'))?.[1] ?? os.type();
  } catch {
    return os.type(); // not every system has that file
  }
}
