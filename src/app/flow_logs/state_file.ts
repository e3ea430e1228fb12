// The file that keeps flow logs: whole at any time, whoever is killed when, and written by one at a time.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Ajv } from 'ajv';
import { addon } from '../../base/addon.ts';
import { WindrowError, systemCode, systemReason } from '../../base/errors.ts';
import { makeFolders } from '../../base/folders.ts';
import { STDOUT } from '../../base/standard.ts';
import {
  AGGREGATION_INTERVALS,
  ALL_PATHS,
  ID,
  IP_VERSIONS,
  RESOURCE_TYPES,
  STATUSES,
  TRAFFIC_PATH_NAMES,
  TRAFFIC_TYPES,
  faultOf,
} from '../../flowlog/flow_log.ts';
import { writeWhole } from '../../sink/durable.ts';
import { EMPTY, QUOTA } from './catalog.ts';
import type { Catalog } from './catalog.ts';

const VERSION = 1;
/** How long somebody else may be at it, and how often it is looked. */
const MOST_WAIT_MS = 10_000;
const LOOK_MS = 20;

const TEXT = { type: 'string' } as const;
const FLOW_LOG = {
  id: { type: 'string', pattern: ID.source },
  name: TEXT,
  description: TEXT,
  resourceType: { enum: RESOURCE_TYPES },
  resourceId: TEXT,
  trafficType: { enum: TRAFFIC_TYPES },
  ipVersion: { enum: IP_VERSIONS },
  aggregationInterval: { enum: AGGREGATION_INTERVALS },
  trafficPaths: { type: 'array', items: { enum: [ALL_PATHS, ...TRAFFIC_PATH_NAMES] } },
  project: TEXT,
  logstore: TEXT,
  tags: { type: 'object', additionalProperties: TEXT },
  status: { enum: STATUSES },
  creationTime: TEXT,
  isDeclared: { type: 'boolean' },
} as const;
const OPTIONAL = 'isDeclared';
/** What is not known here would be lost when the file is written. */
const STATE = {
  type: 'object',
  properties: {
    version: { const: VERSION },
    quotas: {
      type: 'object',
      properties: { [QUOTA]: { type: 'integer', minimum: 1 } },
      required: [QUOTA],
      additionalProperties: false,
    },
    flowLogs: {
      type: 'array',
      items: {
        type: 'object',
        properties: FLOW_LOG,
        required: Object.keys(FLOW_LOG).filter((key) => key !== OPTIONAL),
        additionalProperties: false,
      },
    },
  },
  required: ['version', 'quotas', 'flowLogs'],
  additionalProperties: false,
} as const;

const validate = new Ajv().compile(STATE);

interface State {
  readonly version: typeof VERSION;
  readonly quotas: { readonly [QUOTA]: number };
  readonly flowLogs: Catalog['flowLogs'];
}

export class StateFile {
  readonly #file: string;

  /** Throws USAGE for what is no path. */
  constructor(file: string) {
    if (file === '' || file === STDOUT) {
      throw new WindrowError(
        'USAGE',
        `--state ${JSON.stringify(file)}: expected a file; it is made where it is missing`,
      );
    }
    this.#file = file;
  }

  /** What was there at some moment; where there is no file, there are no flow logs. Throws INPUT_REFUSED. */
  read(): Catalog {
    let text: string;
    try {
      text = fs.readFileSync(this.#file, 'utf8');
    } catch (cause) {
      if (systemCode(cause) === 'ENOENT') return EMPTY;
      throw this.#refusal(`cannot be read: ${systemReason(cause)}`, cause);
    }
    return this.#parse(text);
  }

  /** Nobody else writes meanwhile. Rejects with what `change` throws, REFUSED, INPUT_REFUSED or OUTPUT_FAILED. */
  async change(change: (before: Catalog) => Catalog): Promise<void> {
    let lock: number | undefined;
    try {
      makeFolders(path.dirname(path.resolve(this.#file)));
      // A link to it stays one, and has no lock of its own.
      const target = fs.existsSync(this.#file) ? fs.realpathSync(this.#file) : this.#file;
      lock = await this.#lock(`${target}.lock`);
      const { quota, flowLogs } = change(this.read());
      const state: State = { version: VERSION, quotas: { [QUOTA]: quota }, flowLogs };
      writeWhole(target, `${JSON.stringify(state, null, 2)}\n`);
    } catch (cause) {
      if (cause instanceof WindrowError) throw cause;
      throw new WindrowError('OUTPUT_FAILED', `${this.#file}: cannot be written: ${systemReason(cause)}`, { cause });
    } finally {
      if (lock !== undefined) fs.closeSync(lock);
    }
  }

  /** Beside the file, which is another one after each change. The lock ends with the process. */
  async #lock(file: string): Promise<number> {
    const fd = fs.openSync(file, 'a', 0o600);
    try {
      for (const end = Date.now() + MOST_WAIT_MS; !addon.file_lock(fd); await delay(LOOK_MS)) {
        if (Date.now() < end) continue;
        throw new WindrowError(
          'REFUSED',
          `${this.#file}: another process is changing it: try again when that one has ended`,
        );
      }
      return fd;
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  }

  #parse(text: string): Catalog {
    let state: unknown;
    try {
      state = JSON.parse(text);
    } catch (cause) {
      throw this.#refusal('expected JSON, found something else: it was not written by Windrow', cause);
    }
    const version = typeof state === 'object' && state !== null && 'version' in state ? state.version : undefined;
    if (Number.isInteger(version) && (version as number) > VERSION) {
      throw this.#refusal(
        `expected version ${VERSION}, found ${String(version)}: a newer Windrow wrote it; use that one, or name another file with --state`,
      );
    }
    if (!validate(state)) {
      const [{ instancePath, message }] = validate.errors!;
      throw this.#refusal(`expected flow logs, found at ${instancePath || '/'}: ${message}; mend it, or move it away`);
    }
    const { quotas, flowLogs } = state as State;
    const known = new Set<string>();
    flowLogs.forEach((one, i) => {
      const fault = faultOf(one);
      if (fault) throw this.#refusal(`at /flowLogs/${i}/${fault.field}: ${fault.text}; mend it, or move the file away`);
      if (known.has(one.id) || known.has(one.name)) {
        throw this.#refusal(
          `at /flowLogs/${i}: expected a name and an id of its own, found ${one.name} (${one.id}) again`,
        );
      }
      known.add(one.id).add(one.name);
    });
    return { quota: quotas[QUOTA], flowLogs };
  }

  #refusal(text: string, cause?: unknown): WindrowError {
    return new WindrowError('INPUT_REFUSED', `${this.#file}: ${text}`, { cause });
  }
}
