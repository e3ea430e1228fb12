// Batches to messages and back: protobufjs for the envelope, by windrow.proto; the columns stay packed.
import fs from 'node:fs';
import protobuf from 'protobufjs';
import type { Batch, BatchReasons, Refusal } from '../flowlog/batch.ts';
import { PACKED_COLUMNS } from '../flowlog/packed_columns.ts';

/** Of the format that is written, and the newest that is read. */
export const BATCH_VERSION = 1;

export class BatchRefused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal, message: string) {
    super(message);
    this.refusal = refusal;
  }
}

/** A batch as a message of Kafka. */
export function encodeBatch(batch: Batch): Uint8Array {
  const { identity, flowLog, eni, columns } = batch;
  const message: Record<string, unknown> = {
    version: BATCH_VERSION,
    identity,
    flowLog,
    eni: {
      eniId: known(eni.eniId),
      accountId: known(eni.accountId),
      vmId: known(eni.vmId),
      vpcId: known(eni.vpcId),
      vswitchId: known(eni.vswitchId),
    },
    windowStart: batch.windowStart,
    windowSeconds: batch.windowSeconds,
    status: STATUSES.indexOf(batch.status),
    entries: batch.entries,
  };
  if (batch.reasons) message['reasons'] = batch.reasons;
  PACKED_COLUMNS.forEach((column, i) => {
    if (columns[i].length > 0) message[fieldOf(column.name)] = columns[i];
  });
  return BATCH.encode(message).finish();
}

/** Reads a message. The columns are views of it, and are not read yet. Throws BatchRefused. */
export function decodeBatch(message: Uint8Array | null): Batch {
  if (!message || message.length === 0) throw new BatchRefused('empty', 'a message without a batch');
  const read = readEnvelope(message);
  const version = read.version ?? 0;
  if (version > BATCH_VERSION) {
    const known = `this Windrow reads up to version ${BATCH_VERSION}`;
    throw new BatchRefused('version', `a batch of version ${version}, and ${known}: update it`);
  }
  const status = STATUSES[read.status ?? 0];
  const { identity, flowLog, eni } = read;
  if (version < 1) throw new BatchRefused('malformed', 'expected a version, found none: not a FlowLogBatch');
  if (!identity?.agent) throw new BatchRefused('malformed', 'expected the identity of the batch, found none');
  if (!flowLog?.project || !flowLog.logstore) throw new BatchRefused('malformed', 'expected a project and a logstore');
  if (!status) throw new BatchRefused('malformed', `expected a status of 0 to 2, found ${read.status}`);
  for (const text of [identity.agent, ...Object.values(flowLog), ...Object.values(eni ?? {})]) {
    if (typeof text === 'string' && text.length > MOST_TEXT) {
      throw new BatchRefused(
        'malformed',
        `expected names and ids of at most ${MOST_TEXT} characters, found ${text.length}`,
      );
    }
  }
  const reasons = reasonsOf(read);
  if (!read.windowSeconds) throw new BatchRefused('malformed', 'expected the length of the window, found none');
  return {
    identity: {
      agent: identity.agent,
      boot: safe('boot', identity.boot),
      sequence: safe('sequence', identity.sequence),
    },
    flowLog: { name: flowLog.name ?? '', project: flowLog.project, logstore: flowLog.logstore },
    eni: {
      eniId: eni?.eniId || '-',
      accountId: eni?.accountId || '-',
      vmId: eni?.vmId || '-',
      vpcId: eni?.vpcId || '-',
      vswitchId: eni?.vswitchId || '-',
    },
    windowStart: safe('window_start', read.windowStart),
    windowSeconds: read.windowSeconds,
    status,
    entries: read.entries ?? 0,
    ...(reasons && { reasons }),
    columns: PACKED_COLUMNS.map(({ name }) => bytesOf(read[fieldOf(name)])),
  };
}

/** Names become folders, and ids stand in every line. */
const MOST_TEXT = 256;
/** `GROUP/RULE`, `ACL/in/RULE`: each part is an id. */
const MOST_RULE_NAME = 1024;
const STATUSES = ['ok', 'nodata', 'skipdata'] as const;
const NOTHING = new Uint8Array(0);

/** Integers of 64 bits as protobufjs reads them. */
type Long = number | { toNumber(): number } | null | undefined;

/** A batch as protobufjs reads it: what is missing is null. */
interface Envelope {
  readonly [field: string]: unknown;
  readonly version?: number | null;
  readonly identity?: { agent?: string; boot?: Long; sequence?: Long } | null;
  readonly flowLog?: { name?: string; project?: string; logstore?: string } | null;
  readonly eni?: { eniId?: string; accountId?: string; vmId?: string; vpcId?: string; vswitchId?: string } | null;
  readonly windowStart?: Long;
  readonly windowSeconds?: number | null;
  readonly status?: number | null;
  readonly entries?: number | null;
  readonly reasons?: { rules?: readonly string[]; isOfFlowLogs?: boolean } | null;
}

/**
 * The types of windrow.proto. On the wire a packed column is length-delimited, as bytes are: read as such it costs
 * nothing here, and no value of 64 bits passes through a double.
 */
function loadTypes(): protobuf.Root {
  const text = fs.readFileSync(new URL('windrow.proto', import.meta.url), 'utf8');
  const { root } = protobuf.parse(text, new protobuf.Root());
  const batch = root.lookupType('windrow.v1.FlowLogBatch');
  for (const field of batch.fieldsArray.filter((field) => field.repeated)) {
    batch.remove(field);
    batch.add(new protobuf.Field(field.name, field.id, 'bytes'));
  }
  return root;
}

export const TYPES = loadTypes();
const BATCH = TYPES.lookupType('windrow.v1.FlowLogBatch');

function readEnvelope(message: Uint8Array): Envelope {
  try {
    return BATCH.decode(message);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BatchRefused('malformed', `not a FlowLogBatch: ${reason}`);
  }
}

/** Undefined: there are none. Throws BatchRefused. */
function reasonsOf({ reasons, entries }: Envelope): BatchReasons | undefined {
  if (!reasons) return undefined;
  const { rules = [], isOfFlowLogs = false } = reasons;
  if (rules.length > (entries ?? 0)) {
    throw new BatchRefused('malformed', `expected at most as many rules as entries, found ${rules.length}`);
  }
  const long = rules.find((name) => name.length > MOST_RULE_NAME);
  if (long !== undefined) {
    const expected = `expected names of rules of at most ${MOST_RULE_NAME} characters`;
    throw new BatchRefused('malformed', `${expected}, found ${long.length}`);
  }
  return { rules, isOfFlowLogs };
}

/** Bytes that are missing are an empty array. */
function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : NOTHING;
}

/** 64-bit values outside the columns are counts and times: what no double holds is no such thing. */
function safe(name: string, value: Long): number {
  const number = typeof value === 'object' && value !== null ? value.toNumber() : (value ?? 0);
  if (!Number.isSafeInteger(number)) throw new BatchRefused('malformed', `${name}: expected at most 2^53, found more`);
  return number;
}

/** Names in a .proto have underscores; protobufjs gives them humps. */
function fieldOf(column: string): string {
  return column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** What is not known is "-" in an entry, and empty in a message. */
function known(id: string): string {
  return id === '-' ? '' : id;
}
