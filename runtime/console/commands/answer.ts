import { IdentityError, loadPrivateKey } from '../../identity.js';
import { type Command, CommandError, EXIT } from '../command.js';
import { answerTo, challenger } from '../login/challenge.js';

export const answer: Command = {
  name: 'answer',
  summary: "answer the challenge of a node's console with the owner's key; needs no network",
  usage: '<challenge> --key FILE',
  examples: ['cairn answer c1.9fb306acefe48c5a.q1X0mJt3TQWfRUZ6c2mB0w --key owner.key'],
  options: { key: { type: 'string' } },
  async run({ positionals, options, json, terminal }) {
    const [challenge] = positionals;
    const node = challenge === undefined ? undefined : challenger(challenge);
    if (challenge === undefined || node === undefined) {
      throw new CommandError(
        EXIT.usage,
        'cairn answer: a challenge looks like c1.<16 digits>.<22 characters>',
      );
    }
    if (typeof options.key !== 'string')
      throw new CommandError(EXIT.usage, "cairn answer: whose key? name the owner's with --key FILE");
    try {
      const text = answerTo(challenge, loadPrivateKey(options.key));
      if (json) terminal.out(JSON.stringify({ node, answer: text }));
      else {
        terminal.err(`for node ${node}:`);
        terminal.out(text);
      }
      return EXIT.ok;
    } catch (error) {
      if (error instanceof IdentityError) throw new CommandError(EXIT.usage, error.message);
      throw error;
    }
  },
};
