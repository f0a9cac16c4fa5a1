import { ask, controlPath, toJson } from '../../control.js';
import { why } from '../../health/index.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT, noteFound } from '../command.js';
import { configPath, readRunning } from '../files.js';
import { statusScreen } from '../screen.js';
import { gatherFacts } from '../why/gather.js';

export const status: Command = {
  name: 'status',
  topic: 'look',
  summary: 'how the running node is, on one screen: time, what is wrong, parts, store, uplink',
  usage: '[--config FILE]',
  examples: ['cairn status', 'cairn status --json'],
  options: CONFIG_OPTION,
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const path = configPath(call);
    if (call.json) {
      const { store } = readRunning(call);
      call.terminal.out(toJson((await ask(controlPath(store.path), 'status')) ?? nobody(store.path)));
      return EXIT.ok;
    }
    const facts = await gatherFacts({
      configPath: path,
      looksFurther: false,
      onLook: () => undefined,
      warn: call.terminal.err,
      signal: call.signal,
    });
    const { node } = facts;
    const causes = why(facts);
    noteFound(call, facts.nowNs, causes);
    if (!node) return nobody(readRunning(call).store.path);
    for (const line of statusScreen(node, causes)) call.terminal.out(line);
    return EXIT.ok;
  },
};

function nobody(storePath: string): never {
  throw new CommandError(
    EXIT.failed,
    `no node runs with this store (${storePath}); start it with: cairn run; cairn why says what keeps it from running`,
  );
}
