// The status page of an agent on a terminal: a table that is drawn anew each second.
import Table from 'cli-table3';
import { createLogUpdate } from 'log-update';
import type { AgentLog } from './log.ts';
import { bytes, count, exact, time } from '../units.ts';
import type { AgentStatus } from './meter.ts';

export class StatusPage {
  readonly #update = createLogUpdate(process.stderr);

  /** What is said stands above the page. */
  readonly log: AgentLog = {
    say: (line) => {
      this.#update.clear();
      process.stderr.write(`windrow: agent: ${line}\n`);
    },
  };

  draw(status: AgentStatus): void {
    this.#update(renderStatus(status));
  }

  /** The last page stays. */
  end(): void {
    this.#update.done();
  }
}

export function renderStatus(status: AgentStatus): string {
  const table = new Table({
    head: ['interface', 'packets/s', 'packets', 'dropped', 'coverage'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  });
  for (const { name, perSecond, seen, dropped, coverage } of status.interfaces) {
    const known = [dropped === undefined ? '' : exact(dropped), coverage === undefined ? '' : percent(coverage)];
    table.push([name, count(perSecond), exact(seen), ...known]);
  }
  const window =
    status.lastWindowEnd === 0 ? 'no window closed yet' : `windows logged until ${time(status.lastWindowEnd)}`;
  const line = [
    `${exact(status.flows)} flows`,
    `${exact(status.entries)} entries`,
    window,
    status.waitingBytes > 0 ? `${bytes(status.waitingBytes)} wait for Kafka` : '',
  ];
  return [table.toString(), line.filter(Boolean).join(', '), ...status.troubles].join('\n');
}

/** Rounded down: 100 % is all. */
function percent(ratio: number): string {
  return `${(Math.floor(ratio * 10_000) / 100).toFixed(2)} %`;
}
