import { ask, controlPath, toJson } from '../../control.js';
import type { PipelineStatus } from '../../pipeline.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT } from '../command.js';
import { configPath, readConfig } from '../files.js';
import { statusLines } from '../status-lines.js';

export const status: Command = {
  name: 'status',
  summary: 'how the running node is: parts, store, uplink, time',
  usage: '[--config FILE]',
  examples: ['cairn status', 'cairn status --json'],
  options: CONFIG_OPTION,
  async run(call) {
    const config = readConfig(configPath(call), call.terminal);
    const answer = await ask(controlPath(config.store.path), 'status');
    if (!answer)
      throw new CommandError(
        EXIT.failed,
        `no node runs with this store (${config.store.path}); start it with: cairn run`,
      );
    if (call.json) call.terminal.out(toJson(answer));
    else for (const line of statusLines(answer as PipelineStatus)) call.terminal.out(line);
    return EXIT.ok;
  },
};
