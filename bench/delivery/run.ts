// `npm run bench:delivery`: entries through a real broker, and an agent's memory while there is none.
import { Command, InvalidArgumentError } from 'commander';
import { writeSection, DOCUMENTS } from '../documents.ts';
import { describeMachine, load } from '../machine.ts';
import { measureOutage } from './outage.ts';
import { renderDelivery } from './table.ts';
import { measureThroughput } from './throughput.ts';

interface DeliveryOptions {
  readonly runs: number;
  readonly minutes: number;
  readonly small: boolean;
  readonly json: boolean;
  readonly readme: boolean;
}

function number(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError('expected a number from 0 on');
  return value;
}

async function main(): Promise<void> {
  const command = new Command('npm run bench:delivery --')
    .description('measures replay to Kafka to files, on a broker that it starts itself, and an agent that has none')
    .option('--runs <n>', 'runs of each; the median counts', number, 3)
    .option('--minutes <n>', 'how long there is no broker; 0: leave that out', number, 10)
    .option('--small', 'a capture of 5 M packets', false)
    .option('--json', 'results for machines instead of tables', false)
    .option('--readme', 'write the tables into bench/README.md too', false)
    .parse();
  const { runs, minutes, small, json, readme } = command.opts<DeliveryOptions>();
  const loadBefore = load();
  const throughput = runs > 0 ? await measureThroughput(runs, small, say) : undefined;
  const outage = minutes > 0 ? await measureOutage(minutes * 60, say) : undefined;
  const report = {
    command: ['npm run bench:delivery --', ...process.argv.slice(2)].join(' '),
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    load: [loadBefore, load()] as const,
    throughput,
    outage,
  };
  process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : renderDelivery(report));
  if (readme) await writeSection(DOCUMENTS.long, 'delivery', renderDelivery(report));
}

function say(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}

try {
  await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
