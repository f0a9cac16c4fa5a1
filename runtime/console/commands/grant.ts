import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { keyIdOf } from '../../../wire/index.js';
import { IdentityError, loadPrivateKey, parsePublicKey } from '../../identity.js';
import { type Command, CommandError, EXIT, type ExitCode, type Invocation, ROLES } from '../command.js';
import { signGrant } from '../login/grant.js';
import { signNotice } from '../login/notice.js';
import { OwnerTextError } from '../login/owner-text.js';

const SIGNER_OPTIONS = {
  key: { type: 'string' },
  epoch: { type: 'string' },
  out: { type: 'string' },
} as const;
const ID = /^[0-9a-f]{16}$/;

export const grantMake: Command = {
  name: 'grant make',
  topic: 'people',
  summary: "let a technician's key log in on the owner's nodes; needs no network",
  usage: '--key FILE --to FILE --role ROLE --name NAME --epoch NUMBER [--node ID] [--out FILE]',
  examples: [
    'cairn grant make --key owner.key --to roe.pub --role technician --name "A. Roe" --epoch 7 --out roe.grant',
    'cairn grant make --key owner.key --to visitor.pub --role viewer --name "Visitor" --epoch 7 --node 9fb306acefe48c5a',
  ],
  options: {
    ...SIGNER_OPTIONS,
    to: { type: 'string' },
    role: { type: 'string' },
    name: { type: 'string' },
    node: { type: 'string' },
  },
  role: 'owner',
  onConsole: false,
  run: async (call) =>
    orUsage(() => {
      const { key, kid } = signerOf(call);
      const role = ROLES.find((each) => each === call.options.role);
      if (!role) throw usage(`--role is one of ${ROLES.join(', ')}`);
      const { node } = call.options;
      if (node !== undefined && !ID.test(String(node)))
        throw usage('--node is an id of 16 hexadecimal digits, as cairn status shows it');
      const publicKey = publicKeyIn(wanted(call, 'to'));
      const [name, epoch] = [wanted(call, 'name'), epochOf(call)];
      const grant = { publicKey, role, node: node === undefined ? undefined : String(node), name, epoch };
      const holder = keyIdOf(publicKey);
      return say(call, 'grant', signGrant(grant, kid, key), { holder, role, node: grant.node, name, epoch });
    }),
};

export const grantRevoke: Command = {
  name: 'grant revoke',
  topic: 'people',
  summary: "the owner's notice to every node: this is the epoch, and these keys are void; needs no network",
  usage: '[FILE | ID]... --key FILE --epoch NUMBER [--out FILE]',
  examples: [
    'cairn grant revoke roe.pub --key owner.key --epoch 7 --out notice',
    'cairn grant revoke --key owner.key --epoch 8   (ends every grant of an epoch before)',
  ],
  options: SIGNER_OPTIONS,
  role: 'owner',
  onConsole: false,
  run: async (call) =>
    orUsage(() => {
      const { key, kid } = signerOf(call);
      const revoked = call.positionals.map((each) => (ID.test(each) ? each : keyIdOf(publicKeyIn(each))));
      const notice = { epoch: epochOf(call), revoked };
      return say(call, 'notice', signNotice(notice, kid, key), notice);
    }),
};

/** A wrong key, name or file is the caller's to mend. */
export function orUsage<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const isTheirs = error instanceof IdentityError || error instanceof OwnerTextError;
    if (isTheirs || /^E[A-Z0-9]+$/.test((error as NodeJS.ErrnoException).code ?? ''))
      throw new CommandError(EXIT.usage, (error as Error).message);
    throw error;
  }
}

function signerOf(call: Invocation): { readonly key: KeyObject; readonly kid: string } {
  const key = loadPrivateKey(wanted(call, 'key'));
  return { key, kid: keyIdOf(createPublicKey(key)) };
}

function publicKeyIn(file: string): KeyObject {
  return parsePublicKey(file, readFileSync(file, 'utf8'));
}

function epochOf(call: Invocation): number {
  const text = wanted(call, 'epoch');
  if (!/^\d{1,10}$/.test(text)) throw usage('--epoch is a whole number from 1');
  return Number(text);
}

function wanted({ options }: Invocation, name: string): string {
  const value = options[name];
  if (typeof value !== 'string') throw usage(`--${name} is wanted`);
  return value;
}

function usage(what: string): CommandError {
  return new CommandError(EXIT.usage, what);
}

/** The word itself on stdout or in the file, and to people what it means. */
function say(
  { options, json, terminal }: Invocation,
  title: string,
  text: string,
  meaning: object,
): ExitCode {
  if (typeof options.out === 'string') writeFileSync(options.out, `${text}\n`);
  if (json) terminal.out(JSON.stringify({ [title]: text, ...meaning }));
  else {
    const told = Object.entries(meaning).map(([name, value]) => `${name} ${valueText(value)}`);
    terminal.err(`${title}: ${told.join(', ')}`);
    if (options.out === undefined) terminal.out(text);
  }
  return EXIT.ok;
}

function valueText(value: unknown): string {
  if (value === undefined) return 'all';
  return Array.isArray(value) && value.length === 0 ? 'none' : String(value);
}
