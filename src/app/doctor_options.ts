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
  { flags: '--interfaces <n>', doc: 'at so many the agent will capture', range: [1, 8192], default: 1 },
  { flags: '--ring-memory <mib>', doc: 'memory of the rings of each of them', range: [1, 4096], default: 32 },
  { flags: '--json', doc: 'for machines', default: false },
  ...KAFKA_OPTIONS.map((option) =>
    option.flags.startsWith('--kafka-timeout ') ? { ...option, default: KAFKA_TIMEOUT_SECONDS } : option,
  ),
  ...PRODUCER_OPTIONS,
];

export interface DoctorFlags extends KafkaFlags {
  readonly spool?: string;
  readonly out?: string;
  readonly interfaces: number;
  readonly ringMemory: number;
  readonly json: boolean;
}

/** Whole and checked. */
export interface DoctorOptions {
  readonly folders: readonly WantedFolder[];
  readonly interfaces: number;
  /** Of the rings of each. */
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
    interfaces: flags.interfaces,
    ringBytes: flags.ringMemory * 2 ** 20,
    kafka: readKafkaSettings(flags, surroundings),
    isJson: flags.json,
  });
}
