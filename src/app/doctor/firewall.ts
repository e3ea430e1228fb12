// Which rules of the firewall tell of packets: those that log to a group of NFLOG bring verdicts.
import { warning, well } from './findings.ts';
import type { Finding } from './findings.ts';
import type { Machine } from './machine.ts';

const FOLDER = '/proc/net/netfilter';
const NFT_TIMEOUT_MS = 5000;

/** What is used of `nft -j list ruleset` (libnftables-json(5)). */
interface Rule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly handle: number;
  /** Statements, each of them an object of one key; a bare one has no value. */
  readonly expr: readonly {
    readonly log?: { readonly group?: number; readonly prefix?: string } | null;
    /** Of iptables: its parameters are not told. */
    readonly xt?: { readonly type?: string; readonly name?: string } | null;
  }[];
}

export async function checkFirewall(machine: Machine): Promise<Finding[]> {
  return [nflogFinding(machine), ...(await ruleFindings(machine))];
}

/** The folder may be listed by all, the files in it not. */
function nflogFinding({ names }: Machine): Finding {
  if (names(FOLDER)?.includes('nfnetlink_log')) return well('firewall', 'there', 'NFLOG');
  return warning('firewall', 'missing: the kernel sends no logged packets', 'modprobe nfnetlink_log', 'NFLOG');
}

async function ruleFindings(machine: Machine): Promise<Finding[]> {
  const ran = await machine.run('nft', ['-j', 'list', 'ruleset'], NFT_TIMEOUT_MS);
  if (ran.how === 'missing') return [well('firewall', 'nft is not installed: no NFLOG rules to look at', 'rules')];
  if (ran.how === 'failed') {
    const todo = 'run as root, or with CAP_NET_ADMIN, to see which rules log';
    return [warning('firewall', `nft cannot list them: ${ran.why}`, todo, 'rules')];
  }
  const rules = readRules(ran.output);
  if (rules === undefined) {
    const todo = 'run `nft -j list ruleset`, and see whether it is JSON: nft may be built without';
    return [warning('firewall', 'nft listed them in a way that is not understood', todo, 'rules')];
  }
  const readers = readersOf(machine.text(`${FOLDER}/nfnetlink_log`) ?? '');
  const found = rules.flatMap((rule) => logFindings(rule, readers));
  return found.length > 0 ? found : [well('firewall', 'none logs to NFLOG: no verdicts from the firewall', 'rules')];
}

function readRules(json: string): Rule[] | undefined {
  let listed: unknown;
  try {
    listed = JSON.parse(json);
  } catch {
    return undefined;
  }
  const objects = (listed as { readonly nftables?: unknown } | null)?.nftables;
  if (!Array.isArray(objects)) return undefined;
  return (objects as { readonly rule?: Rule }[]).flatMap(({ rule }) => (Array.isArray(rule?.expr) ? [rule] : []));
}

/** Groups that a program listens to: a group has one reader at most (net/netfilter/nfnetlink_log.c). */
function readersOf(text: string): Set<number> {
  return new Set(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => Number.parseInt(line)),
  );
}

function logFindings(rule: Rule, readers: ReadonlySet<number>): Finding[] {
  const subject = `rule ${rule.handle} of ${rule.family} ${rule.table} ${rule.chain}`;
  return rule.expr.flatMap((statement) => {
    if (statement.xt?.name === 'NFLOG') {
      return [well('firewall', 'logs to NFLOG; iptables-save tells the group', subject)];
    }
    if (!('log' in statement)) return [];
    const { group, prefix } = statement.log ?? {};
    const named = prefix === undefined ? 'without a prefix' : `with the prefix ${JSON.stringify(prefix)}`;
    if (group === undefined) {
      const says = `logs to the kernel log, not to NFLOG, ${named}`;
      return [warning('firewall', says, 'add `group N` to its log statement', subject)];
    }
    const says = `logs to group ${group} of NFLOG, ${named}`;
    if (!readers.has(group)) return [well('firewall', says, subject)];
    const todo = 'let it log to another group, or stop the other program';
    return [warning('firewall', `${says}, which another program reads (a group has one reader)`, todo, subject)];
  });
}
