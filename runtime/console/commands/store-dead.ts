import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, controlPath, toJson } from '../../control.js';
import { type DeadLetterText, deadLetterTexts, readDeadLetters } from '../../store/index.js';
import { CONFIG_OPTION, type Command, EXIT, type Invocation } from '../command.js';
import { onStore, quietDeps, storePath } from './store.js';

export const storeDead: Command = {
  name: 'store dead',
  topic: 'store',
  summary: 'what nobody would take: blocks and rows that were rejected, with the reason',
  usage: '[--export FOLDER] [--config FILE] [--path STORE]',
  examples: ['cairn store dead', 'cairn store dead --export /tmp/dead'],
  options: { ...CONFIG_OPTION, path: { type: 'string' }, export: { type: 'string' } },
  role: 'technician',
  onConsole: true,
  async run(call) {
    const letters = await lettersOf(call);
    const folder = call.options.export;
    if (typeof folder === 'string') for (const letter of letters) write(folder, letter);
    if (call.json) call.terminal.out(toJson(letters));
    else for (const letter of letters) call.terminal.out(lineOf(letter));
    if (!call.json) call.terminal.err(`${letters.length} rejected`);
    return EXIT.ok;
  },
};

/** Of the running node, or of the files when none runs. */
async function lettersOf(call: Invocation): Promise<readonly DeadLetterText[]> {
  const path = storePath(call);
  const answer = await ask(controlPath(path), 'dead');
  if (answer !== undefined) return answer as readonly DeadLetterText[];
  return deadLetterTexts(await onStore(() => readDeadLetters(path, quietDeps(call.terminal))));
}

function lineOf({ stream, epoch, first, count, kind, bytes, reason }: DeadLetterText): string {
  return `${stream} #${first} to #${first + count - 1} (epoch ${epoch}): ${kind} of ${bytes} bytes: ${reason}`;
}

/** A block as it was sealed (`cairn decode` reads it), rows as JSON. */
function write(folder: string, { epoch, stream, first, kind, content }: DeadLetterText): void {
  mkdirSync(folder, { recursive: true });
  const name = `${epoch}-${stream}-${first}.${kind === 'block' ? 'block' : 'json'}`;
  writeFileSync(join(folder, name), Buffer.from(content, 'base64'));
}
