import { toJson } from '../../control.js';
import { ensureIdentity, IdentityError, installPublicKey } from '../../identity.js';
import { type Command, CommandError, EXIT } from '../command.js';

export const init: Command = {
  name: 'init',
  topic: 'machine',
  summary: "make the node's key and id, install the fleet's and the owner's public keys",
  usage: '[--identity FOLDER] [--fleet-key FILE] [--owner-key FILE]',
  examples: ['cairn init', 'cairn init --identity /etc/cairn --fleet-key fleet.pub --owner-key owner.pub'],
  options: {
    identity: { type: 'string', default: '/etc/cairn' },
    'fleet-key': { type: 'string' },
    'owner-key': { type: 'string' },
  },
  role: 'owner',
  onConsole: false,
  async run({ options, json, terminal }) {
    const folder = String(options.identity);
    try {
      const { identity, made } = ensureIdentity(folder);
      const installed: Record<string, string> = {};
      for (const name of ['fleet', 'owner'] as const) {
        const file = options[`${name}-key`];
        if (typeof file === 'string') installed[name] = installPublicKey(folder, name, file);
      }
      if (json) terminal.out(toJson({ node: identity.node, folder, made, installed }));
      else {
        terminal.out(
          `node ${identity.node}: key ${made ? 'made' : 'kept'} in ${folder}/node.key (mode 0600)`,
        );
        for (const [name, id] of Object.entries(installed))
          terminal.out(`${name} key ${id} installed in ${folder}/${name}.pub`);
      }
      return EXIT.ok;
    } catch (error) {
      throw explainIdentity(error, 'name another folder with --identity');
    }
  },
};

/** A folder that can't be written or a key that can't be read is the caller's to mend, not our fault. */
export function explainIdentity(error: unknown, orElse: string): unknown {
  if (error instanceof IdentityError) return new CommandError(EXIT.usage, error.message);
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EROFS' || code === 'ENOENT') {
    return new CommandError(EXIT.usage, `${path}: ${code}; run as a user who may write there, or ${orElse}`);
  }
  return error;
}
