// How a spool goes on where an earlier process ended, or was ended: what a crash cut off is cut away, and nothing else.
import fs from 'node:fs/promises';
import path from 'node:path';
import { ACKNOWLEDGED_NAME, readAcknowledged } from './spool_acknowledged.ts';
import { SpoolFolder } from './spool_folder.ts';
import { Losses } from './spool_losses.ts';
import type { SpoolDamage } from './spool_losses.ts';
import { RecordScanner } from './spool_scanner.ts';
import type { Stop } from './spool_scanner.ts';
import { SEGMENT_HEADER_BYTES, segmentName } from './spool_segment.ts';
import type { Segment } from './spool_segment.ts';
import { Segments } from './spool_segments.ts';

const CHUNK_BYTES = 1 << 20;

export interface Recovered {
  readonly segments: Segments;
  /** The position up to which all is acknowledged; -1: none is. */
  readonly acknowledged: number;
  readonly losses: Losses;
  /** The position of the next record to be appended. */
  readonly next: number;
  /** The segment to which it can be appended, unless it needs a new one. */
  readonly resumable: Segment | undefined;
}

/** For the process that has the lock. Errors are those of the system. */
export async function recover(folder: string, tell: (damage: SpoolDamage) => void): Promise<Recovered> {
  const listed = await SpoolFolder.list(folder, (message) => tell({ message, records: 0, bytes: 0 }));
  const saved = await readAcknowledged(folder);
  const first = listed.segments.at(0)?.first ?? listed.leastNext;
  const acknowledged = typeof saved === 'number' ? saved : first - 1;
  const losses = new Losses(acknowledged + 1, tell);
  // Segments are deleted when what is acknowledged was kept: the first ones cannot be gone without that.
  if (saved === 'damaged' || (saved === undefined && first > 0)) {
    const what = saved === 'damaged' ? 'is damaged' : 'there is no such file';
    losses.say(`${path.join(folder, ACKNOWLEDGED_NAME)}: ${what}: all that is in the spool is sent again`);
  }
  const last = listed.segments.at(-1);
  const isWhole = last !== undefined && (await findEnd(path.join(folder, segmentName(last.first)), last, losses));
  // Behind what is acknowledged, too: a record in front of that would never be sent.
  const next = Math.max(last?.end ?? 0, acknowledged + 1, listed.leastNext);
  return {
    segments: new Segments(folder, listed.segments, listed.aside),
    acknowledged,
    losses,
    next,
    resumable: isWhole && last.end === next ? last : undefined,
  };
}

/** Finds where the last segment ends, and cuts off what is no whole record there. False: nothing may be appended to it. */
async function findEnd(file: string, last: Segment, losses: Losses): Promise<boolean> {
  const scanner = await RecordScanner.open(file, last.first);
  try {
    let stop: Stop = 'more';
    while (stop === 'more') {
      ({ stop } = await scanner.read({ bytes: last.bytes, position: Infinity }, CHUNK_BYTES));
    }
    const { at, good } = scanner;
    if (last.bytes < SEGMENT_HEADER_BYTES || (stop === 'unreadable' && !(await scanner.isZero(last.bytes)))) {
      // Records may be in there: it stays as it is, and who passes it counts what is lost, of which nobody knows the number.
      last.end = at.position + 1;
      return false;
    }
    if (good.bytes < last.bytes) {
      const bytes = (last.bytes - good.bytes).toLocaleString('en-US');
      await fs.truncate(file, good.bytes);
      losses.cutOff(
        good.position,
        at.position,
        last.bytes - good.bytes,
        `${file}: ${bytes} bytes behind its last whole record were cut off`,
      );
      last.bytes = good.bytes;
    }
    last.end = Math.max(good.position, last.isDamaged ? last.first + 1 : 0);
    return !last.isDamaged;
  } finally {
    await scanner.close();
  }
}
