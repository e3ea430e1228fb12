// Where verdicts come from, and what entries say of them.

/** In the order of `VerdictSource` in native-bindings/network.h. */
export const VERDICT_SOURCES = ['none', 'kernel', 'security-group', 'network-acl'] as const;

export const VERDICT_SOURCE_DOCS: Readonly<Record<(typeof VERDICT_SOURCES)[number], string>> = {
  none: 'nothing says anything: it was seen passing, and is accepted',
  kernel: "the host's firewall said so",
  'security-group': 'a rule of a security group, or what groups do without one',
  'network-acl': 'a rule of a network ACL, or that none of its rules fits',
};

export const ACTION = { accept: 0, reject: 1 } as const;
