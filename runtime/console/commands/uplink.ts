import { ask, controlPath, toJson } from '../../control.js';
import type { PipelineStatus } from '../../pipeline.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT } from '../command.js';
import { readRunning } from '../files.js';
import { uplinkLines } from '../status-lines.js';

export const uplink: Command = {
  name: 'uplink',
  topic: 'look',
  summary: 'how the running node’s uplink is: link, receipts, refusals, budgets',
  usage: '[--config FILE]',
  examples: ['cairn uplink', 'cairn uplink --json'],
  options: CONFIG_OPTION,
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const { store, uplink: configured } = readRunning(call);
    if (!configured) throw new CommandError(EXIT.failed, 'the node file has no uplink');
    const status = (await ask(controlPath(store.path), 'status')) as PipelineStatus | undefined;
    if (!status?.uplink) throw new CommandError(EXIT.failed, 'no node runs; cairn why says what keeps it');
    if (call.json) call.terminal.out(toJson(status.uplink));
    else
      for (const line of [...uplinkLines(status.uplink), `  to ${whereTo(configured.url)}`])
        call.terminal.out(line);
    return EXIT.ok;
  },
};

/** Without what may be secret in it. */
function whereTo(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}
