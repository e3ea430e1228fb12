// The columns of a batch on the wire: each is the payload of one packed field of protobuf, entry i its i-th value.

export interface PackedColumn {
  /** The field's name in the schema of a batch. */
  readonly name: string;
  /** Type of its values: `bytes` is the field itself, of an `enum` only those are known that there are now. */
  readonly kind: 'uint64' | 'uint32' | 'sint32' | 'enum' | 'bytes';
}

/**
 * In the order of native-bindings/packed_columns.h, which packs and unpacks them. Entries whose status is not OK have
 * `start` and `end` only: their other columns are empty. So are those of reasons in batches without these.
 */
export const PACKED_COLUMNS = [
  /** Packets of the entry. */
  { name: 'packets', kind: 'uint64' },
  /** Their layer 3 bytes, as on the wire. */
  { name: 'bytes', kind: 'uint64' },
  /** Seconds from the start of the batch's window to the first packet; what lies before it wraps around 2^64. */
  { name: 'start', kind: 'uint64' },
  /** Seconds from the start of the batch's window to the entry's end; likewise. */
  { name: 'end', kind: 'uint64' },
  /** Source addresses in network order, one behind another: 4 bytes or 16, by the entry's family. */
  { name: 'srcaddr', kind: 'bytes' },
  /** Destination addresses, likewise. */
  { name: 'dstaddr', kind: 'bytes' },
  /** Source port; -1 where the packets show none. */
  { name: 'srcport', kind: 'sint32' },
  /** Destination port; -1 where the packets show none. */
  { name: 'dstport', kind: 'sint32' },
  /** OR of the TCP flag octets; 0 where the protocol is not TCP: rows have -1 there. */
  { name: 'tcp_flags', kind: 'uint32' },
  /** By which path the traffic goes; -1 where that is not known. */
  { name: 'traffic_path', kind: 'sint32' },
  /** 0 in, 1 out. */
  { name: 'direction', kind: 'enum' },
  /** 0 ACCEPT, 1 REJECT. */
  { name: 'action', kind: 'enum' },
  /** 0 IPv4, 1 IPv6: rows have 4 and 6 there. */
  { name: 'family', kind: 'enum' },
  /** IANA protocol number, 0 to 255. */
  { name: 'protocol', kind: 'uint32' },
  /** Of reasons: the rule that decided, by its place among the names of the batch. */
  { name: 'rule', kind: 'uint32' },
  /** Of reasons: where the verdict comes from, by its place in VERDICT_SOURCES. */
  { name: 'verdict_source', kind: 'enum' },
] as const satisfies readonly PackedColumn[];
