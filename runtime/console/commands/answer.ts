import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { keyIdOf } from '../../../wire/index.js';
import { loadPrivateKey } from '../../identity.js';
import { type Command, CommandError, EXIT } from '../command.js';
import { answerTo, challenger } from '../login/challenge.js';
import { type Grant, readGrant } from '../login/grant.js';
import { isNotice } from '../login/notice.js';
import { orUsage } from './grant.js';

export const answer: Command = {
  name: 'answer',
  topic: 'people',
  summary:
    "answer the challenge of a node's console with the owner's key, or a grant and its key; needs no network",
  usage: '<challenge> --key FILE [--grant FILE] [--notice FILE]',
  examples: [
    'cairn answer c1.9fb306acefe48c5a.q1X0mJt3TQWfRUZ6c2mB0w --key owner.key',
    'cairn answer c1.9fb306acefe48c5a.q1X0mJt3TQWfRUZ6c2mB0w --key roe.key --grant roe.grant',
  ],
  options: { key: { type: 'string' }, grant: { type: 'string' }, notice: { type: 'string' } },
  role: 'owner',
  onConsole: false,
  run: async ({ positionals, options, json, terminal }) =>
    orUsage(() => {
      const [challenge] = positionals;
      const node = challenge === undefined ? undefined : challenger(challenge);
      if (challenge === undefined || node === undefined)
        throw usage('a challenge looks like c1.<16 digits>.<22 characters>');
      if (typeof options.key !== 'string')
        throw usage("whose key? name the owner's or yours with --key FILE");
      const key = loadPrivateKey(options.key);
      const grantText = typeof options.grant === 'string' ? wordIn(options.grant) : undefined;
      const notice = typeof options.notice === 'string' ? noticeIn(options.notice) : undefined;
      const grant = grantText === undefined ? undefined : readGrant(grantText);
      if (grant) check(grant, key, node);
      const text = answerTo(challenge, key, grantText);
      if (json) terminal.out(JSON.stringify({ node, notice, answer: text }));
      else {
        terminal.err(
          `for node ${node}${grant ? `, as ${grant.role} ${grant.name}, epoch ${grant.epoch}` : ''}:`,
        );
        // A line of its own: with a grant behind it in one, it might not fit the 1,024 characters of a line.
        if (notice !== undefined) terminal.out(notice);
        terminal.out(text);
      }
      return EXIT.ok;
    }),
};

/** What the node would refuse, said where it can be mended. */
function check(grant: Grant, key: KeyObject, node: string): void {
  const [held, granted] = [keyIdOf(createPublicKey(key)), keyIdOf(grant.publicKey)];
  if (held !== granted) throw usage(`the grant is for the key ${granted}, and yours is ${held}`);
  if (grant.node !== undefined && grant.node !== node)
    throw usage(`the grant is for node ${grant.node}, and ${node} asks; ask the owner for one for this node`);
}

function noticeIn(file: string): string {
  const text = wordIn(file);
  if (!isNotice(text)) throw usage(`${file}: no notice of an owner; cairn grant revoke makes one`);
  return text;
}

function wordIn(file: string): string {
  return readFileSync(file, 'utf8').trim();
}

function usage(what: string): CommandError {
  return new CommandError(EXIT.usage, `cairn answer: ${what}`);
}
