// Where a long-running command says how it is: the option, and what its value means.
import ipaddr from 'ipaddr.js';
import { WindrowError } from '../base/errors.ts';
import type { OptionSpec } from '../base/options.ts';

/** Where nothing is served. */
const OFF = 'off';

export const METRICS_OPTION = {
  flags: '--metrics <host:port>',
  doc: `where /metrics and /healthz are served over HTTP, to whoever asks; ${OFF}: nowhere`,
  default: '127.0.0.1:9464',
} as const satisfies OptionSpec;

export interface ListenAddress {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

const MOST_PORT = 65_535;
const HOST_NAME = /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i;

/** Reads the value of `--metrics`; undefined: off. Throws USAGE. */
export function readMetricsAddress(text: string): ListenAddress | undefined {
  if (text === OFF) return undefined;
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|(.*?))(?::([^:\]]*))?$/s.exec(text)!;
  const host = bracketed ?? plain;
  if (text.includes('/')) throw wrong(text, 'a URL is more than that');
  if (port === undefined) throw wrong(text, 'there is no port in it');
  if (host === '') throw wrong(text, 'there is no host in it; 0.0.0.0 is every address of this machine');
  if (bracketed === undefined && host.includes(':')) throw wrong(text, 'an IPv6 address stands in brackets');
  if (bracketed !== undefined && !ipaddr.IPv6.isValid(host)) throw wrong(text, `${host} is no IPv6 address`);
  if (bracketed === undefined && !isHost(host)) throw wrong(text, `${host} is neither a name nor an IPv4 address`);
  if (!/^[0-9]{1,5}$/.test(port) || Number(port) > MOST_PORT)
    throw wrong(text, `a port is a number up to ${MOST_PORT}`);
  return { host, port: Number(port) };
}

/** As it stands in a URL, and on the command line. */
export function writeAddress({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Why nothing can be served there, by the code of the system's error, and what to do. */
export function cannotListen(address: ListenAddress, code: string, cause: unknown): WindrowError {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program serves there, perhaps another windrow',
    EACCES: 'this user may not serve there: ports below 1024 are root’s on most machines',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'no such host is known',
    EAI_AGAIN: 'the name of the host cannot be looked up at present',
  };
  const reason = reasons[code] ?? (cause instanceof Error ? cause.message : String(cause));
  const choice = `choose another with --metrics HOST:PORT, or --metrics ${OFF}`;
  return new WindrowError('USAGE', `--metrics ${writeAddress(address)}: ${reason}; ${choice}`, { cause });
}

/** Numbers and dots alone are an address or a mistake. */
function isHost(host: string): boolean {
  return /^[0-9.]+$/.test(host) ? ipaddr.IPv4.isValidFourPartDecimal(host) : HOST_NAME.test(host);
}

function wrong(text: string, why: string): WindrowError {
  const expected = `expected HOST:PORT, such as ${METRICS_OPTION.default} or [::1]:9464, or ${OFF}`;
  return new WindrowError('USAGE', `--metrics ${text}: ${expected}; ${why}`);
}
