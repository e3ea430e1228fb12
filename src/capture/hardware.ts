// Kinds of hardware of network interfaces, and what can be read of them.

/** A kind of hardware (include/uapi/linux/if_arp.h). */
export interface Hardware {
  readonly name: string;
  /** Of a frame as a packet socket gives it (https://www.tcpdump.org/linktypes.html); undefined: it is not read. */
  readonly linkType?: number;
}

export const HARDWARE: Readonly<Record<number, Hardware>> = {
  1: { name: 'Ethernet', linkType: 1 },
  32: { name: 'InfiniBand' },
  280: { name: 'CAN' },
  512: { name: 'PPP' },
  519: { name: 'raw IP', linkType: 101 },
  768: { name: 'IPIP tunnel' },
  769: { name: 'IPv6 tunnel' },
  // It has an Ethernet header.
  772: { name: 'loopback', linkType: 1 },
  776: { name: '6in4 tunnel' },
  778: { name: 'GRE tunnel' },
  801: { name: '802.11' },
  802: { name: '802.11 with Prism' },
  803: { name: '802.11 with radiotap' },
  804: { name: '802.15.4' },
  805: { name: '802.15.4 monitor' },
  823: { name: 'GRE tunnel over IPv6' },
  824: { name: 'netlink monitor' },
  826: { name: 'vsock monitor' },
  // As of tun: the packet begins with IP.
  65534: { name: 'raw IP', linkType: 101 },
};
