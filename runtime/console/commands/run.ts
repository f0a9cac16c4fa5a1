import { openNode } from '../../node.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT } from '../command.js';
import { configPath, readConfig } from '../files.js';

export const run: Command = {
  name: 'run',
  summary: 'run the node until SIGTERM or Ctrl-C; the log goes to stdout as JSON lines',
  usage: '[--config FILE]',
  examples: ['cairn run --config board-configs/nodes/demo.yaml', 'CAIRN_CONFIG=node.yaml cairn run'],
  options: CONFIG_OPTION,
  async run(call) {
    const config = readConfig(configPath(call), call.terminal);
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
