// `windrow sink`: from Kafka to files, each entry once.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isPassing, loadRdkafka } from '../kafka/client.ts';
import { entriesTopic } from '../kafka/topics.ts';
import { ReaderGone } from '../sink/output.ts';
import { Tree } from '../sink/tree.ts';
import { SinkMeter } from './sink_meter.ts';
import type { SinkOptions } from './sink_options.ts';
import { SinkSession } from './sink_session.ts';
import { serveStatus } from './status_server.ts';
import { Stopping } from './stopping.ts';
import { exact } from './units.ts';

const LEAST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 15_000;
/** A session that lasted so long had begun well. */
const GOOD_MS = 60_000;

/** Sinks until it is told to stop; the result is the exit code. Rejects with what no waiting mends. */
export async function sink(options: SinkOptions): Promise<number> {
  const meter = new SinkMeter((line) => {
    if (!options.quiet) process.stderr.write(`windrow: sink: ${line}\n`);
  });
  const rdkafka = await loadRdkafka(options.kafka);
  const { target } = options;
  const owner = `${options.group} ${entriesTopic(options.kafka.prefix)}`;
  const tree = target.to === 'tree' ? Tree.open(target.root, { ...target, replaces: false, owner }) : undefined;
  const say = (line: string): void => meter.say(line);
  const { registry: metrics } = meter;
  const server = await serveStatus({ address: options.metrics, metrics, health: () => meter.health(), say }, say);
  const stopping = new Stopping();
  try {
    // Where there is no tree, nothing outlives the process that could need its name.
    const sinkId = tree?.id ?? randomUUID();
    for (let pauseMs = LEAST_PAUSE_MS; !stopping.isAsked;) {
      const begun = Date.now();
      try {
        const session = new SinkSession(rdkafka, options, meter, sinkId, tree);
        stopping.onAsked(() => session.stop());
        await session.run();
        break;
      } catch (error) {
        if (error instanceof ReaderGone) break;
        // Where Kafka was never reached, it is more likely to be elsewhere than to be down.
        if (!isPassing(error) || !meter.wasConnected) throw error;
        meter.restarts((error as Error).message);
      }
      await tree?.leave();
      if (Date.now() - begun > GOOD_MS) pauseMs = LEAST_PAUSE_MS;
      await Promise.race([delay(pauseMs, undefined, { ref: true }), stopping.asked]);
      pauseMs = Math.min(2 * pauseMs, MOST_PAUSE_MS);
    }
  } finally {
    stopping.forget();
    await tree?.leave();
    await tree?.close();
    await server?.stop();
  }
  const { batches, entries, duplicates, deadLetters } = meter.written;
  meter.say(
    `${exact(entries)} entries in ${exact(batches)} batches written, ${exact(duplicates)} batches had been written before, ${exact(deadLetters)} messages were no batches`,
  );
  return 0;
}
