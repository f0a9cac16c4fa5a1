import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { keyIdOf } from '../../../wire/index.js';
import type { Invocation } from '../command.js';
import { parseKey } from './first-owner.js';
import type { LoginFacts, LoginPorts } from './ports.js';
import { type LoginState, loginState, readText } from './state.js';

/** Shown where the node has no identity yet: a console that works is worth more. */
const NO_NODE = '0'.repeat(16);

/** Where this machine keeps what a login needs. */
export const LOGIN_OPTIONS = {
  identity: { type: 'string', default: '/etc/cairn' },
  state: { type: 'string', default: '/var/lib/cairn/console' },
  'owner-key': { type: 'string', default: '/etc/cairn/owner.pub' },
  secret: { type: 'string', default: '/etc/cairn/console.secret' },
} as const;

/** As `LOGIN_OPTIONS`, for commands of a session: what isn't said is the session's, from a shell the default. */
export const HERE_OPTIONS = {
  state: { type: 'string' },
  'owner-key': { type: 'string' },
} as const;

/** Where the files are that this call means. */
export function optionsHere({ options, session }: Pick<Invocation, 'options' | 'session'>): Options {
  const defaults = Object.entries(LOGIN_OPTIONS).map(([name, option]) => [name, option.default]);
  return { ...Object.fromEntries(defaults), ...session?.options, ...options };
}

type Options = Invocation['options'];

/** Read anew for each login: the key may have been installed since. */
export function factsHere(options: Options): LoginFacts {
  return {
    node: nodeAt(String(options.identity)),
    ownerKey: ownerKeyHere(options),
    secret: readText(String(options.secret)),
  };
}

/** PEM: the image's, else the one that the secret let in. */
export function ownerKeyHere(options: Options): string | undefined {
  return readText(String(options['owner-key'])) ?? stateHere(options).ownerKey();
}

export function stateHere(options: Options): LoginState {
  return loginState(String(options.state));
}

/** All that a login needs but the line and the journal. */
export function portsHere(
  options: Options,
  line: Pick<LoginPorts, 'readLine' | 'out' | 'refused'>,
): LoginPorts {
  const { ownerKey: _, ...state } = stateHere(options);
  return {
    ...state,
    ...line,
    delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    random: (bytes) => randomBytes(bytes),
  };
}

function nodeAt(identity: string): string {
  const key = parseKey(readText(join(identity, 'node.pub')) ?? '');
  return key ? keyIdOf(key) : NO_NODE;
}
