// `windrow agent` with a configuration: it is checked, printed, or what the agent runs with.
import { WindrowError } from '../base/errors.ts';
import { readConfig } from './agent/config.ts';
import type { CommandLine } from './agent/config.ts';
import { dumpConfig } from './agent/config_dump.ts';
import type { AgentSurroundings } from './agent/options.ts';

/** The result is the exit code. Rejects with USAGE and all that is wrong, a line each. */
export async function configured(commandLine: CommandLine, surroundings: AgentSurroundings): Promise<number> {
  const { config: file = 'the command line', check, dump } = commandLine.flags;
  if (check && dump) throw new WindrowError('USAGE', '--check and --dump: choose one of them; --dump checks as well');
  const read = () => readConfig(commandLine, surroundings);
  const config = read();
  if (check || dump) {
    process.stdout.write(check ? `${file}: the configuration is right\n` : dumpConfig(config.flags));
    return 0;
  }
  const { agent } = await import('./agent.ts');
  return agent(config.options, { config, read });
}
