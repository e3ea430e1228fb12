// A batch in the spool: when it was taken, its key, and the message as Kafka gets it.
//
//   f64le milliseconds since the epoch, u16le bytes of the key, key in UTF-8, message

export interface Shipment {
  /** When it was taken, in milliseconds since the epoch. */
  readonly takenMs: number;
  readonly key: string;
  readonly message: Uint8Array;
}

const KEY_LENGTH_AT = 8;
const KEY_AT = KEY_LENGTH_AT + 2;

/** Throws RangeError where the key has more than 65,535 bytes. */
export function packShipment({ takenMs, key, message }: Shipment): Uint8Array {
  const text = Buffer.from(key);
  const payload = Buffer.allocUnsafe(KEY_AT + text.length + message.length);
  payload.writeDoubleLE(takenMs, 0);
  payload.writeUInt16LE(text.length, KEY_LENGTH_AT);
  text.copy(payload, KEY_AT);
  payload.set(message, KEY_AT + text.length);
  return payload;
}

/** The message is a view of the payload. Undefined where the payload is no shipment. */
export function unpackShipment(payload: Uint8Array): Shipment | undefined {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  if (bytes.length < KEY_AT) return undefined;
  const end = KEY_AT + bytes.readUInt16LE(KEY_LENGTH_AT);
  if (end > bytes.length) return undefined;
  return { takenMs: bytes.readDoubleLE(0), key: bytes.toString('utf8', KEY_AT, end), message: bytes.subarray(end) };
}
