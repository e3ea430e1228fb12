// What an agent and its processes that capture by libpcap say to each other.

/** Once. */
export type FromLibpcap =
  /** It captures; `linkType` as https://www.tcpdump.org/linktypes.html has them, NaN where it is none of those. */
  { readonly type: 'ready'; readonly linkType: number } | { readonly type: 'refused'; readonly message: string };

/** What has come so far is written, then it ends. */
export type ToLibpcap = 'stop';
