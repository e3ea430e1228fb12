// The commands of `windrow flowlog`, as users type them.
import { Command } from 'commander';
import { addOptions } from '../../base/options.ts';
import type { OptionSpec } from '../../base/options.ts';
import { CREATE_OPTIONS, MODIFY_OPTIONS, STATE_OPTIONS } from './options.ts';
import type { CreateFlags, ModifyFlags, StateFlags } from './options.ts';

const EXIT_CODES = `
Exit codes: 0 done; 1 refused or failed; 2 wrong usage.`;

const EXAMPLES = `
Examples:
  windrow flowlog create --name web --resource-type VSwitch --resource-id vsw-1 --aggregation-interval 1
  windrow flowlog create --name out --resource-type VPC --resource-id vpc-1 --traffic-path nat-gateway,internet --tag team=net
  windrow flowlog modify web --traffic-type Drop
  windrow flowlog stop web`;

const WHICH = 'its name or its id';

/** Adds `flowlog` and all below it. */
export function addFlowLogCommands(program: Command): void {
  const flowLog = program
    .command('flowlog')
    .summary('create, change and list flow logs')
    .description('Flow logs: what to collect, at an ENI or at all of a vSwitch or a VPC, and where to deliver it.')
    .addHelpText('after', EXAMPLES + '\n' + EXIT_CODES);
  const add = (usage: string, does: string, options: readonly OptionSpec[] = []): Command => {
    const command = flowLog
      .command(usage)
      .summary(does)
      .description(`${does[0].toUpperCase()}${does.slice(1)}.`);
    return addOptions(command, [...options, ...STATE_OPTIONS]).addHelpText('after', EXIT_CODES);
  };
  const load = (): Promise<typeof import('./commands.ts')> => import('./commands.ts');
  add('create', 'create a flow log, which is active at once', CREATE_OPTIONS).action(async (flags: CreateFlags) =>
    (await load()).createFlowLog(flags),
  );
  add('list', 'list all flow logs').action(async (flags: StateFlags) => (await load()).listFlowLogs(flags));
  add('describe', 'say all of a flow log')
    .argument('<flow-log>', WHICH)
    .action(async (which: string, flags: StateFlags) => (await load()).describeFlowLog(which, flags));
  add('modify', 'change a flow log; its resource stays what it is', MODIFY_OPTIONS)
    .argument('<flow-log>', WHICH)
    .action(async (which: string, flags: ModifyFlags) => (await load()).modifyFlowLog(which, flags));
  add('start', 'let a flow log collect again')
    .argument('<flow-log>', WHICH)
    .action(async (which: string, flags: StateFlags) => (await load()).setStatus(which, flags, 'Active'));
  add('stop', 'let a flow log collect no more until it is started')
    .argument('<flow-log>', WHICH)
    .action(async (which: string, flags: StateFlags) => (await load()).setStatus(which, flags, 'Inactive'));
  add('delete', 'delete a flow log; entries that it has delivered stay')
    .argument('<flow-log>', WHICH)
    .action(async (which: string, flags: StateFlags) => (await load()).deleteFlowLog(which, flags));
}
