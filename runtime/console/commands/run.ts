import { existsSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { ensureIdentity } from '../../identity.js';
import {
  type Bundle,
  checkHere,
  HangError,
  placesOf,
  RefusedError,
  RunsAlreadyError,
  readBundle,
  runNode,
  WipeError,
  waitsForNode,
} from '../../update/index.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT, type Invocation } from '../command.js';
import { configPath, noSuchFile } from '../files.js';
import { explainIdentity } from './init.js';

/**
 * Memory before speed (docs/benchmarks.md, Memory). Said here and not on the command line: code that was compiled under other flags is
 * refused, so Node would compile its own modules anew at each start instead of taking them as it brings them.
 */
const SMALL = ['--optimize-for-size', '--no-maglev'];

export const run: Command = {
  name: 'run',
  topic: 'machine',
  summary:
    'run the node until SIGTERM or Ctrl-C; the log goes to stdout as JSON lines; --init makes its key where there is none',
  usage: '[--config FILE] [--init]',
  examples: ['cairn run --config board-configs/nodes/demo.yaml', 'CAIRN_CONFIG=node.yaml cairn run'],
  options: { ...CONFIG_OPTION, init: { type: 'boolean' } },
  role: 'owner',
  onConsole: false,
  async run(call) {
    for (const flag of SMALL) setFlagsFromString(flag);
    const { file, isFileRight } = readFile(call);
    const isInit = call.options.init === true;
    await runNode({
      ...{ file, isFileRight, places: placesOf(file), stopAsked: nextSignal() },
      prepare: ({ identityPath }) => {
        if (isInit) makeKey(identityPath);
      },
    }).catch((error: Error & { kind?: string }) => explain(error, call));
    return EXIT.ok;
  },
};

/** A node file that is wrong ends the run, unless something that was applied, or waits to be, may run in its place. */
function readFile(call: Invocation): { readonly file: Bundle; readonly isFileRight: boolean } {
  const path = configPath(call);
  const { bundle, loaded } = readBundle(path);
  const checked = checkHere(path, loaded);
  if (checked.ok) {
    for (const warning of checked.warnings) call.terminal.err(`warning: ${warning}`);
    return { file: bundle, isFileRight: true };
  }
  const problems = existsSync(path) ? checked.problems.join('\n') : noSuchFile(path);
  if (!waitsForNode(placesOf(bundle))) throw new CommandError(EXIT.usage, problems);
  call.terminal.err(`warning: the node file is wrong, and what was applied runs in its place:\n${problems}`);
  return { file: bundle, isFileRight: false };
}

function explain(error: Error & { readonly kind?: string }, call: Invocation): never {
  if (error instanceof HangError) {
    // Something hangs that holds this process: it would never end by itself.
    call.terminal.err(error.message);
    process.exit(EXIT.failed);
  }
  if (error instanceof RefusedError || error.name === 'IdentityError')
    throw new CommandError(EXIT.usage, error.message);
  if (error instanceof RunsAlreadyError) throw new CommandError(EXIT.busy, error.message);
  if (error instanceof WipeError) throw new CommandError(EXIT.failed, error.message);
  if (error.name === 'StoreError')
    throw new CommandError(error.kind === 'locked' ? EXIT.busy : EXIT.failed, error.message);
  throw error;
}

/** In this process, because a second one costs a small board seconds of its first start. */
function makeKey(folder: string): void {
  try {
    ensureIdentity(folder);
  } catch (error) {
    throw explainIdentity(error, 'name another folder as identity: in the node file');
  }
}

/** A second signal ends the process at once: what is committed stays committed. */
function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve(signal);
        process.once(signal, () => process.exit(EXIT.failed));
      });
    }
  });
}
