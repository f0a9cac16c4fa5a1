import type { PipelineStatus } from '../../pipeline.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT } from '../command.js';
import { ask, controlPath, toJson } from '../control.js';
import { configPath, readConfig } from '../files.js';
import { storeLines } from '../status-lines.js';

export const storeStatus: Command = {
  name: 'store status',
  summary: 'what the running node’s store holds, per class and stream',
  usage: '[--config FILE]',
  examples: ['cairn store status', 'cairn store status --json'],
  options: CONFIG_OPTION,
  async run(call) {
    const config = readConfig(configPath(call), call.terminal);
    const answer = (await ask(controlPath(config.store.path), 'status')) as PipelineStatus | undefined;
    if (!answer) {
      throw new CommandError(
        EXIT.failed,
        `no node runs with this store; look at the files with: cairn store verify`,
      );
    }
    if (call.json) call.terminal.out(toJson(answer.store));
    else for (const line of storeLines(answer.store)) call.terminal.out(line);
    return EXIT.ok;
  },
};
