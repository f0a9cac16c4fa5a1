import { type Command, CommandError, EXIT, type Terminal } from '../command.js';
import { parseKey } from '../login/first-owner.js';
import { HERE_OPTIONS, optionsHere, ownerKeyHere, stateHere } from '../login/here.js';
import { openNotice } from '../login/notice.js';
import { NOTHING_SEEN, type Seen, withNotice } from '../login/seen.js';
import { orUsage } from './grant.js';

export const grants: Command = {
  name: 'grants',
  topic: 'people',
  summary: 'which grants this node lets in: the epoch, and the keys that the owner has revoked',
  usage: '[--state FOLDER]',
  examples: ['cairn grants'],
  options: { state: HERE_OPTIONS.state },
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const { json, terminal } = call;
    const seen = stateHere(optionsHere(call)).readSeen();
    if (!seen) {
      terminal.err(
        "What this node knows of grants is damaged: it lets none in. The owner's newest notice mends it: grants accept <notice>",
      );
      return EXIT.failed;
    }
    show(seen, json, terminal);
    return EXIT.ok;
  },
};

export const grantsAccept: Command = {
  name: 'grants accept',
  topic: 'people',
  summary: "take the owner's notice, whoever brings it: it raises the epoch, and revokes keys",
  usage: '<notice> [--state FOLDER] [--owner-key FILE]',
  examples: ['cairn grants accept n1.0oRNogEnBEgh_jHfoVSiYaBL…'],
  options: HERE_OPTIONS,
  // The signature says who means it.
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const { positionals, json, terminal } = call;
    const options = optionsHere(call);
    const [notice] = positionals;
    if (notice === undefined)
      throw new CommandError(EXIT.usage, 'grants accept: which notice? It begins with n1.');
    const owner = parseKey(ownerKeyHere(options) ?? '');
    if (!owner) throw new CommandError(EXIT.usage, "This node knows no owner's key that can be read.");
    const here = stateHere(options);
    const before = here.readSeen();
    const seen = orUsage(() => withNotice(before ?? NOTHING_SEEN, openNotice(notice, owner)));
    if (seen !== before) keep(() => here.writeSeen(seen));
    show(seen, json, terminal);
    return EXIT.ok;
  },
};

function keep(write: () => void): void {
  try {
    write();
  } catch (error) {
    throw new CommandError(EXIT.failed, `The notice is good, and can't be kept: ${(error as Error).message}`);
  }
}

function show(seen: Seen, json: boolean, { out }: Terminal): void {
  if (json) out(JSON.stringify(seen));
  else if (seen.epoch === 0)
    out('No grant or notice of the owner was ever seen: a grant of any epoch lets in.');
  else {
    const { epoch, revoked } = seen;
    out(`epoch ${epoch}: grants of this epoch and later ones let in`);
    out(revoked.length === 0 ? 'no key is revoked' : `revoked: ${revoked.join(' ')}`);
  }
}
