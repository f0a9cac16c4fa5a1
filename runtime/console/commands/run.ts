import { setFlagsFromString } from 'node:v8';
import { ensureIdentity } from '../../identity.js';
import { openNode } from '../../node.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT } from '../command.js';
import { configPath, readConfig } from '../files.js';
import { explainIdentity } from './init.js';

/**
 * Memory before speed (docs/benchmarks.md, Memory). Said here and not on the command line: code that was compiled under other flags is
 * refused, so Node would compile its own modules anew at each start instead of taking them as it brings them.
 */
const SMALL = ['--optimize-for-size', '--no-maglev'];

export const run: Command = {
  name: 'run',
  summary:
    'run the node until SIGTERM or Ctrl-C; the log goes to stdout as JSON lines; --init makes its key where there is none',
  usage: '[--config FILE] [--init]',
  examples: ['cairn run --config board-configs/nodes/demo.yaml', 'CAIRN_CONFIG=node.yaml cairn run'],
  options: { ...CONFIG_OPTION, init: { type: 'boolean' } },
  async run(call) {
    for (const flag of SMALL) setFlagsFromString(flag);
    const config = readConfig(configPath(call), call.terminal);
    if (call.options.init === true) makeKey(config.identityPath);
    const node = await openNode(config).catch((error: Error & { kind?: string }) => {
      if (error.name === 'IdentityError') throw new CommandError(EXIT.usage, error.message);
      if (error.name === 'StoreError')
        throw new CommandError(error.kind === 'locked' ? EXIT.busy : EXIT.failed, error.message);
      throw error;
    });
    const signal = await nextSignal();
    await node.stop(signal);
    return EXIT.ok;
  },
};

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
