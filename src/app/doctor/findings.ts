// What checks find: each is well, or a warning or a failure with what to do about it.

export const STATUSES = ['ok', 'warning', 'failure'] as const;
export type Status = (typeof STATUSES)[number];

/** What is looked at, in the order in which it is told. */
export const CHECKS = [
  'kernel',
  'capability',
  'interface',
  'memory',
  'clock',
  'firewall',
  'libpcap',
  'kafka',
  'folder',
] as const;
export type Check = (typeof CHECKS)[number];

interface Told {
  readonly check: Check;
  /** Which one, where a check has several. */
  readonly subject?: string;
  readonly says: string;
}

export type Finding =
  | (Told & { readonly status: 'ok' })
  | (Told & {
      /** A warning: the agent runs, with less. A failure: it does not run, or writes nothing. */
      readonly status: 'warning' | 'failure';
      readonly todo: string;
    });

export function well(check: Check, says: string, subject?: string): Finding {
  return { ...named(check, subject), status: 'ok', says };
}

export function warning(check: Check, says: string, todo: string, subject?: string): Finding {
  return { ...named(check, subject), status: 'warning', says, todo };
}

export function failure(check: Check, says: string, todo: string, subject?: string): Finding {
  return { ...named(check, subject), status: 'failure', says, todo };
}

export function countOf(findings: readonly Finding[], status: Status): number {
  return findings.filter((finding) => finding.status === status).length;
}

function named(check: Check, subject: string | undefined): { check: Check; subject?: string } {
  return subject === undefined ? { check } : { check, subject };
}
