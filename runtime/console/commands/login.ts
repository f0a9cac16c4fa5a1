import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { keyIdOf } from '../../../wire/index.js';
import { parsePublicKey } from '../../identity.js';
import { type Command, EXIT } from '../command.js';
import { LineReader } from '../login/lines.js';
import { login as tryLogin } from '../login/session.js';
import { loginState, readText } from '../login/state.js';

/** Shown where the node has no identity yet: a console that works is worth more. */
const NO_NODE = '0'.repeat(16);

export const login: Command = {
  name: 'login',
  summary: "ask whoever is at this terminal for an owner's answer; ends with 0 where it is right",
  usage: '[--identity FOLDER] [--state FOLDER] [--owner-key FILE] [--secret FILE]',
  examples: ['cairn login --owner-key /etc/cairn/owner.pub && exec bash'],
  options: {
    identity: { type: 'string', default: '/etc/cairn' },
    state: { type: 'string', default: '/var/lib/cairn/console' },
    'owner-key': { type: 'string', default: '/etc/cairn/owner.pub' },
    secret: { type: 'string', default: '/etc/cairn/console.secret' },
  },
  async run({ options, terminal }) {
    const state = loginState(String(options.state));
    const lines = new LineReader(process.stdin);
    const facts = {
      node: nodeAt(String(options.identity)),
      ownerKey: readText(String(options['owner-key'])) ?? state.ownerKey(),
      secret: readText(String(options.secret)),
    };
    const right = await tryLogin(facts, {
      readLine: (timeoutMs) => lines.next(timeoutMs),
      out: (text) => terminal.out(text),
      delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      random: (bytes) => randomBytes(bytes),
      readFailures: state.readFailures,
      writeFailures: state.writeFailures,
      installOwner: state.installOwner,
    });
    process.stdin.destroy();
    return right ? EXIT.ok : EXIT.failed;
  },
};

function nodeAt(identity: string): string {
  const path = join(identity, 'node.pub');
  const pem = readText(path);
  return pem === undefined ? NO_NODE : keyIdOf(parsePublicKey(path, pem));
}
