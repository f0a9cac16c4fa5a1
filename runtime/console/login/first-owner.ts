import type { KeyObject } from 'node:crypto';
import { IdentityError, parsePublicKey } from '../../identity.js';
import { ANSWER_TIMEOUT_MS, countAsWrong, type LoginPorts } from './ports.js';
import { isSecret } from './secret.js';

const PEM_LINES_MAX = 8;

/** Whoever knows the one-time secret installs the owner's key; it lets nobody in. */
export async function installBySecret(record: string, ports: LoginPorts): Promise<void> {
  ports.out('This node has no owner yet. Type the one-time secret that its image was made with.');
  const typed = (await ports.readLine(ANSWER_TIMEOUT_MS))?.trim();
  if (!typed) return;
  const setCount = await countAsWrong(ports);
  if (!isSecret(typed, record)) {
    await ports.refused('wrongSecret');
    ports.out('Refused.');
    return;
  }
  await setCount(0);
  ports.out("Right. Paste the owner's public key (PEM).");
  const pem = await readPem(ports);
  if (!pem || !parseKey(pem)) {
    ports.out('That is no Ed25519 public key in PEM form: nothing was changed.');
    return;
  }
  ports.installOwner(pem);
  ports.out("The owner's key is installed, and the secret is dead. Log in with the key.");
}

async function readPem(ports: LoginPorts): Promise<string | undefined> {
  const lines: string[] = [];
  while (lines.length < PEM_LINES_MAX) {
    const line = (await ports.readLine(ANSWER_TIMEOUT_MS))?.trim();
    if (line === undefined) return undefined;
    if (line === '' && lines.length === 0) continue;
    lines.push(line);
    if (line.startsWith('-----END')) return `${lines.join('\n')}\n`;
  }
  return undefined;
}

/** Undefined where it is none: neither a person's mistake nor a damaged card ends the console. */
export function parseKey(pem: string): KeyObject | undefined {
  try {
    return parsePublicKey('the line', pem);
  } catch (error) {
    if (error instanceof IdentityError) return undefined;
    throw error;
  }
}
