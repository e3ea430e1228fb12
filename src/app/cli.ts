#!/usr/bin/env node
// The command line: what there is, and how it ends.
import { Command, CommanderError } from 'commander';
import { ERROR_CODES, WindrowError, systemCode, systemReason } from '../base/errors.ts';
import { addOptions, givenTo } from '../base/options.ts';
import { AGENT_OPTIONS, readAgentOptions } from './agent/options.ts';
import type { AgentFlags, CaptureMethod } from './agent/options.ts';
import { DOCTOR_OPTIONS, readDoctorOptions } from './doctor_options.ts';
import type { DoctorFlags } from './doctor_options.ts';
import { ESTIMATE_OPTIONS, readEstimateOptions } from './estimate_options.ts';
import type { EstimateFlags } from './estimate_options.ts';
import { NETWORK_OPTIONS } from './network_options.ts';
import type { NetworkFlags } from './network_options.ts';
import { addFlowLogCommands } from './flow_logs/command_line.ts';
import { REPLAY_OPTIONS, VERIFY_OPTIONS, readReplayOptions } from './replay_options.ts';
import type { ReplayFlags, VerifyFlags } from './replay_options.ts';
import { SINK_OPTIONS, readSinkOptions } from './sink_options.ts';
import type { SinkFlags } from './sink_options.ts';
import { SURROUNDINGS } from './surroundings.ts';
import { VERSION } from './version.ts';

const EXIT_CODES = `
Exit codes: 0 complete; 1 refused or failed; 2 wrong usage; 3 the input is incomplete: what was read is written.`;

const DOCTOR_EXIT_CODES = `
Exit codes: 0 nothing fails, warnings or not; 1 something fails; 2 wrong usage.`;

const NETWORK_EXIT_CODES = `
Exit codes: 0 the network is right; 2 it is not, or wrong usage.`;

/** A command's code is loaded when it is asked for: a replay of a small capture is mostly start-up. */
function build(): Command {
  const program = new Command('windrow')
    .description('Flow log entries from packet captures, and a log that can prove what it did not see.')
    .version(VERSION)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'windrow: ')) })
    .addHelpText('after', EXIT_CODES)
    .exitOverride();
  const replayCommand = program
    .command('replay')
    .summary('turn captures into flow log entries')
    .description('Turns captures into flow log entries. Several files are one capture, in the order of time.')
    .argument('<file...>', 'pcap or pcapng, also gzip-compressed; - is standard input')
    .action(async (files: string[], flags: ReplayFlags) => {
      const options = readReplayOptions(files, flags, { isTerminal: process.stdout.isTTY, ...SURROUNDINGS });
      // The workers' threads start while the rest is loaded.
      const { Crew } = await import('./crew.ts');
      const crew = new Crew(options);
      const { replay } = await import('./replay.ts');
      process.exitCode = await replay(options, crew);
    });
  addOptions(replayCommand, REPLAY_OPTIONS).addHelpText('after', EXIT_CODES);
  const agentCommand = program
    .command('agent')
    .summary('turn the traffic of live interfaces into flow log entries')
    .description(
      'Captures at interfaces of this host until it is stopped, and turns their traffic into flow log entries.',
    )
    .action(async (flags: AgentFlags, command: Command) => {
      const { PacketFilter } = await import('../capture/packet_filter.ts');
      const filterOf = (expression: string, capture: CaptureMethod) =>
        PacketFilter.of(expression, { hasTags: capture === 'libpcap' });
      const surroundings = { isTerminal: process.stderr.isTTY, filterOf, ...SURROUNDINGS };
      // What it has files of is read again at a hangup.
      const hasFiles = flags.config !== undefined || flags.network !== undefined;
      if (hasFiles || flags.check || flags.dump) {
        const { configured } = await import('./agent_config.ts');
        process.exitCode = await configured({ flags, given: givenTo(command) }, surroundings);
        return;
      }
      const options = readAgentOptions(flags, surroundings);
      const { agent } = await import('./agent.ts');
      process.exitCode = await agent(options);
    });
  addOptions(agentCommand, AGENT_OPTIONS).addHelpText('after', EXIT_CODES);
  const sinkCommand = program
    .command('sink')
    .summary('write entries from Kafka to files')
    .description('Writes entries from Kafka to files, each of them once, together with the other sinks of its group.')
    .argument('[root...]', 'with --check: the roots of trees')
    .action(async (roots: string[], flags: SinkFlags, command: Command) => {
      if (flags.check) {
        if (roots.length === 0) command.error('error: expected the root of a tree to check');
        const { check } = await import('./sink_check.ts');
        process.exitCode = check(roots, flags.json);
        return;
      }
      if (roots.length > 0) command.error(`error: unexpected ${roots[0]}: the root of the tree is given with --out`);
      const options = readSinkOptions(flags, SURROUNDINGS);
      const { sink } = await import('./sink.ts');
      process.exitCode = await sink(options);
    });
  addOptions(sinkCommand, SINK_OPTIONS).addHelpText('after', EXIT_CODES);
  const verifyCommand = program
    .command('verify')
    .summary('recount a capture the slow way and compare')
    .description('Counts a capture again by a second, independent path and compares it with entries, one by one.')
    .usage('[options] <capture...> <entries>')
    .argument('<files...>', 'the capture that was replayed (one file or several), and last the entries that came out')
    .action(async (files: string[], flags: VerifyFlags, command: Command) => {
      if (files.length < 2) command.error('error: expected a capture and the entries that came out of it');
      const { verify } = await import('./verify.ts');
      process.exitCode = await verify(files.slice(0, -1), files.at(-1)!, flags);
    });
  addOptions(verifyCommand, VERIFY_OPTIONS).addHelpText('after', EXIT_CODES);
  const estimateCommand = program
    .command('estimate')
    .summary('say what flow logs of a capture would cost')
    .description(
      'Counts the entries of captures with windows of 1, 5 and 10 minutes, and says what a month like that would cost.',
    )
    .argument('<file...>', 'pcap or pcapng, also gzip-compressed; several files are one capture')
    .action(async (files: string[], flags: EstimateFlags) => {
      const { readPrices } = await import('./prices.ts');
      const options = readEstimateOptions(files, flags, {
        ...SURROUNDINGS,
        pricesOf: (file) => readPrices(file, SURROUNDINGS.readFile),
      });
      const { estimate } = await import('./estimate.ts');
      process.exitCode = await estimate(options);
    });
  addOptions(estimateCommand, ESTIMATE_OPTIONS).addHelpText('after', EXIT_CODES);
  addFlowLogCommands(program);
  const doctorCommand = program
    .command('doctor')
    .summary('say whether this machine can capture and deliver')
    .description('Looks at this machine: what a live agent needs, what is missing, and what to do about it.')
    .action(async (flags: DoctorFlags) => {
      const options = readDoctorOptions(flags, SURROUNDINGS);
      const { doctor } = await import('./doctor.ts');
      process.exitCode = await doctor(options);
    });
  addOptions(doctorCommand, DOCTOR_OPTIONS).addHelpText('after', DOCTOR_EXIT_CODES);
  const networkCommand = program
    .command('network')
    .summary('look at the file of a cloud network')
    .description('Looks at the file of a cloud network, by which entries are judged.');
  const networkCheckCommand = networkCommand
    .command('check')
    .summary('say whether it is right')
    .description('Reads the file of a network, and says what is in it, or all that is wrong with it.')
    .argument('<file>', 'YAML, or JSON, which is faster')
    .action(async (file: string, flags: NetworkFlags) => {
      const { checkNetwork } = await import('./network.ts');
      process.exitCode = checkNetwork(file, flags);
    });
  addOptions(networkCheckCommand, NETWORK_OPTIONS).addHelpText('after', NETWORK_EXIT_CODES);
  program
    .command('demo')
    .summary('make a sample capture and replay it')
    .description('Makes a sample capture, replays it, and says where everything is.')
    .argument('[directory]', 'where to put it', 'windrow-demo')
    .action(async (directory: string) => {
      const { demo } = await import('./demo.ts');
      process.exitCode = await demo(directory);
    });
  return program;
}

async function main(): Promise<void> {
  try {
    await build().parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** One clear line for each thing that is wrong; a stack only for what is a defect of Windrow itself. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ERROR_CODES.USAGE;
  if (error instanceof WindrowError) {
    process.stderr.write(`windrow: ${error.message.replaceAll('\n', '\nwindrow: ')}\n`);
    return typeof process.exitCode === 'number' && process.exitCode > 128 ? process.exitCode : error.exitCode;
  }
  process.stderr.write(
    `windrow: internal error, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return 1;
}

// Nobody reads any more what is said on standard error: no reason to crash.
process.stderr.on('error', () => undefined);
process.stdout.on('error', (error) => {
  if (systemCode(error) !== 'EPIPE') {
    process.stderr.write(`windrow: standard output: cannot be written: ${systemReason(error)}\n`);
    process.exit(ERROR_CODES.OUTPUT_FAILED);
  }
  process.exit();
});
await main();
