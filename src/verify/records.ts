// What a capture yields, in its own order, before anything is decoded.

/** The side of the packet at which it was captured, where the capture itself says so. */
export type Hint = 'in' | 'out';

export interface PacketRecord {
  readonly kind: 'packet';
  /** Whole seconds since the epoch, saturated to +-(2^53 - 1); 0 where the record has no time. */
  readonly sec: number;
  readonly nanos: number;
  /** A pcapng Simple Packet Block has no time. */
  readonly untimed: boolean;
  readonly linkType: number;
  readonly fcsBytes: number;
  readonly wireLength: number;
  readonly data: Uint8Array;
  readonly interfaceNumber: number;
  readonly interfaceName: string | undefined;
  readonly hint: Hint | undefined;
}

export interface InterfaceRecord {
  readonly kind: 'interface';
  readonly linkType: number;
  /** Index within its section; a classic capture has one interface, 0. */
  readonly number: number;
  readonly name: string | undefined;
}

/** The capture's own drop count grew between two statistics: seconds, both ends included. */
export interface DropRecord {
  readonly kind: 'drops';
  readonly interfaceNumber: number;
  readonly interfaceName: string | undefined;
  readonly fromSec: number;
  readonly toSec: number;
}

/** Always the last record; `refused` means that nothing in front of it was a capture. */
export interface EndRecord {
  readonly kind: 'end';
  readonly complete: boolean;
  readonly refused: boolean;
  readonly reason: string;
}

export type CaptureRecord = PacketRecord | InterfaceRecord | DropRecord | EndRecord;

export function ended(): EndRecord {
  return { kind: 'end', complete: true, refused: false, reason: '' };
}

export function incomplete(reason: string): EndRecord {
  return { kind: 'end', complete: false, refused: false, reason };
}

export function refused(reason: string): EndRecord {
  return { kind: 'end', complete: false, refused: true, reason };
}

/** Linux if_packet.h: PACKET_HOST 0, BROADCAST 1, MULTICAST 2, OTHERHOST 3 (does not tell), OUTGOING 4. */
export function hintOfPacketType(type: number): Hint | undefined {
  if (type === 4) return 'out';
  return type <= 2 ? 'in' : undefined;
}
