// What the native addon takes of a network: flat tables, as native-bindings/network_tables.h reads them.

/** Prefixes of one family: `words` has 1 or 4 for each, most significant first. */
export interface NativePrefixes {
  readonly words: Uint32Array;
  readonly lengths: Uint8Array;
  readonly values: Uint32Array;
}

/**
 * A network as native-bindings/network_tables.h reads it. Arrays of rows are flat; what they have in a row is named there in
 * this order. 2^32 - 1 stands for none.
 */
export interface NativeNetworkTables {
  readonly vpcs: number;
  readonly routeMaps: number;
  readonly groupSets: number;
  readonly lists: number;
  /** Rules are reported by numbers of names; these are those of what groups do without a rule. */
  readonly names: number;
  readonly defaultIn: number;
  readonly defaultOut: number;
  /** VPC, route map, ACL or none. */
  readonly vswitches: Uint32Array;
  /** Values: vSwitches. */
  readonly vswitchCidrs4: NativePrefixes;
  readonly vswitchCidrs6: NativePrefixes;
  /** vSwitch, or none where a number is no ENI's; set of groups or none, marks, path of what goes through it or none, VNI or none. */
  readonly enis: Uint32Array;
  /** VPC. */
  readonly havips: Uint32Array;
  /** Values: ENIs, and the HaVips behind them. */
  readonly owners4: NativePrefixes;
  readonly owners6: NativePrefixes;
  /** Values: ENIs that are middle boxes. */
  readonly own4: NativePrefixes;
  readonly own6: NativePrefixes;
  /** Set, group; in the order of an ENI's groups. */
  readonly members: Uint32Array;
  /** List of rules for what comes in, list for what goes out, name of the rule of the same group or none. */
  readonly groups: Uint32Array;
  /** List in, list out, names of what they end with. */
  readonly acls: Uint32Array;
  /** 1 if it accepts, rank among those of several groups (the lower wins), name. */
  readonly rules: Uint32Array;
  /** List, first and last service, rule; ascending by list and rule. One for each prefix of `matchPrefixes`, whose values are 0. */
  readonly matches4: Uint32Array;
  readonly matches6: Uint32Array;
  readonly matchPrefixes4: NativePrefixes;
  readonly matchPrefixes6: NativePrefixes;
  /** The same, for each group of `peers`. */
  readonly peerMatches: Uint32Array;
  readonly peers: Uint32Array;
  /** Values: route maps. Each sets the bits of a mask over what shorter and earlier ones have set. */
  readonly routes4: NativePrefixes;
  readonly routes6: NativePrefixes;
  /** Mask, bits. */
  readonly layers4: Uint32Array;
  readonly layers6: Uint32Array;
}
