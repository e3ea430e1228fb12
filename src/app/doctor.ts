// `windrow doctor`: whether this machine can do what capturing on it needs, and what to do where it cannot.
import { createColors } from 'picocolors';
import { checkCapabilities } from './doctor/capabilities.ts';
import { checkClock } from './doctor/clock.ts';
import { countOf } from './doctor/findings.ts';
import type { Finding, Status } from './doctor/findings.ts';
import { checkFirewall } from './doctor/firewall.ts';
import { checkFolders } from './doctor/folders.ts';
import { HOST } from './doctor/host.ts';
import { checkInterfaces } from './doctor/interfaces.ts';
import { checkKafka } from './doctor/kafka.ts';
import { checkKernel } from './doctor/kernel.ts';
import type { Machine } from './doctor/machine.ts';
import { checkLibpcap } from './doctor/libpcap.ts';
import { checkMemory } from './doctor/memory.ts';
import type { DoctorOptions } from './doctor_options.ts';
import { isColored } from './terminal.ts';
import { quantity } from './units.ts';

/** Prints; the result is the exit code: 0 where nothing fails. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const findings = await examine(HOST, options);
  process.stdout.write(options.isJson ? renderJson(findings) : render(findings, isColored()));
  return countOf(findings, 'failure') > 0 ? 1 : 0;
}

/** All checks, in the order of `CHECKS`. */
async function examine(machine: Machine, options: DoctorOptions): Promise<Finding[]> {
  const host = machine.platform === 'linux' ? checkLinux(machine, options) : checkKernel(machine);
  const found = await Promise.all([host, checkKafka(options.kafka)]);
  return [...found.flat(), ...checkFolders(machine, options.folders)];
}

async function checkLinux(machine: Machine, options: DoctorOptions): Promise<Finding[]> {
  return [
    ...checkKernel(machine),
    ...checkCapabilities(machine),
    ...checkInterfaces(machine),
    ...checkMemory(machine, options),
    ...checkClock(machine),
    ...(await checkFirewall(machine)),
    ...checkLibpcap(machine),
  ];
}

function renderJson(findings: readonly Finding[]): string {
  const counts = {
    ok: countOf(findings, 'ok'),
    warnings: countOf(findings, 'warning'),
    failures: countOf(findings, 'failure'),
  };
  return JSON.stringify({ checks: findings, ...counts }) + '\n';
}

const STATUS_WIDTH = 'failure'.length;

function render(findings: readonly Finding[], hasColors: boolean): string {
  const pc = createColors(hasColors);
  const paint: Readonly<Record<Status, (text: string) => string>> = {
    ok: pc.green,
    warning: pc.yellow,
    failure: pc.red,
  };
  const lines = findings.flatMap((finding) => {
    const { check, subject, status, says } = finding;
    const what = subject === undefined ? check : `${check} ${subject}`;
    const line = `${paint[status](status.padEnd(STATUS_WIDTH))}  ${plain(`${what}: ${says}`)}`;
    return 'todo' in finding ? [line, `${' '.repeat(STATUS_WIDTH)}  → ${plain(finding.todo)}`] : [line];
  });
  const warnings = quantity(countOf(findings, 'warning'), 'warning', 'warnings');
  const failures = quantity(countOf(findings, 'failure'), 'failure', 'failures');
  return [...lines, `${countOf(findings, 'ok')} ok, ${warnings}, ${failures}`, ''].join('\n');
}

/** Names of interfaces, folders and rules are others' texts: a line stays a line, and nothing in it rules the terminal. */
function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}
