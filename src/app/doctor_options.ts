// The options of `windrow doctor`: one table, and what a command line makes of it.
import { WindrowError } from '../base/errors.ts';
import type { OptionSpec } from '../base/options.ts';
import { KAFKA_OPTIONS, PRODUCER_OPTIONS, readKafkaSettings } from '../kafka/options.ts';
import type { KafkaFlags, KafkaSettings, Surroundings } from '../kafka/options.ts';
import type { WantedFolder } from './doctor/folders.ts';

/** Who looks at a machine does not wait as long as who starts on it. */
const KAFKA_TIMEOUT_SECONDS = 5;

export const DOCTOR_OPTIONS: readonly OptionSpec[] = [
  { flags: '--spool <directory>', doc: 'folder in which an agent keeps what Kafka cannot take: can it be written?' },
  { flags: '--out <directory>', doc: 'root of the tree that a sink writes: can it be written?' },
  { flags: '--workers <n>', doc: 'threads of the agent, each with a ring (default: the cores)', range: [1, 256] },
  {
    flags: '--ring-memory <MiB>',
    doc: 'size of the ring of each worker',
    range: [1, 1 << 16],
    default: 64,
  },
  { flags: '--json', doc: 'for machines', default: false },
  ...KAFKA_OPTIONS.map((option) =>
    option.flags.startsWith('--kafka-timeout ') ? { ...option, default: KAFKA_TIMEOUT_SECONDS } : option,
  ),
  ...PRODUCER_OPTIONS,
];

export interface DoctorFlags extends KafkaFlags {
  readonly spool?: string;
  readonly out?: string;
  readonly workers?: number;
  readonly ringMemory: number;
  readonly json: boolean;
}

/** Whole and checked. */
export interface DoctorOptions {
  readonly folders: readonly WantedFolder[];
  /** Undefined: as many as there are cores. */
  readonly workers: number | undefined;
  readonly ringBytes: number;
  /** Without brokers: they are not asked for. */
  readonly kafka: KafkaSettings;
  readonly isJson: boolean;
}

/** Throws USAGE. */
export function readDoctorOptions(flags: DoctorFlags, surroundings: Surroundings): DoctorOptions {
  const folders = [
    // Files of a tree are published by a second name.
    { flag: '--spool', folder: flags.spool, links: false },
    { flag: '--out', folder: flags.out, links: true },
  ];
  for (const { flag, folder } of folders) {
    if (folder === '') throw new WindrowError('USAGE', `${flag} "": expected a directory`);
  }
  return Object.freeze({
    folders: folders.flatMap(({ folder, ...rest }) => (folder === undefined ? [] : [{ folder, ...rest }])),
    workers: flags.workers,
    ringBytes: flags.ringMemory * 2 ** 20,
    kafka: readKafkaSettings(flags, surroundings),
    isJson: flags.json,
  });
}
