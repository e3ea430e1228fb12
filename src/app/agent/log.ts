// What an agent says on standard error: lines for people, or JSON objects for whoever collects them.
import { pino } from 'pino';
import type { LOG_FORMATS } from './options.ts';

export type Level = 'info' | 'warn';

export interface AgentLog {
  /** `fields` go along with it for machines; the line says it all. */
  say(line: string, level?: Level, fields?: Readonly<Record<string, unknown>>): void;
}

const STDERR = 2;

export function openLog(format: (typeof LOG_FORMATS)[number], isQuiet: boolean): AgentLog {
  if (isQuiet) return { say: () => undefined };
  if (format === 'text') return { say: (line) => void process.stderr.write(`windrow: agent: ${line}\n`) };
  const options = {
    base: { name: 'windrow-agent', pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
    messageKey: 'message',
  };
  // What was said last is there also when the process ends at once.
  const logger = pino(options, pino.destination({ dest: STDERR, sync: true }));
  return { say: (line, level = 'info', fields = {}) => logger[level](fields, line) };
}
