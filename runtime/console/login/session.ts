import type { KeyObject } from 'node:crypto';
import type { NodeId } from '../../../wire/index.js';
import { IdentityError, parsePublicKey } from '../../identity.js';
import { isAnswer, makeChallenge, NONCE_BYTES } from './challenge.js';
import { isSecret } from './secret.js';

/** After so many wrong answers in a row the wait grows no more: an owner always gets in again. */
const DELAY_MAX_MS = 60_000;
const DELAY_MIN_MS = 1_000;
/** Long enough to carry a challenge to a telephone and its answer back. */
const ANSWER_TIMEOUT_MS = 300_000;
const PEM_LINES_MAX = 8;

/** The line, the clock and what outlives a session. */
export interface LoginPorts {
  /** The next line without its end; undefined when nobody types one in time, or the line hangs up. */
  readLine(timeoutMs: number): Promise<string | undefined>;
  out(text: string): void;
  delay(ms: number): Promise<void>;
  random(bytes: number): Uint8Array;
  /** Wrong answers in a row, over all sessions and power cuts. */
  readFailures(): number;
  /** On the disk when it returns; throws where it can't be. */
  writeFailures(count: number): void;
  /** Whole and on the disk when it returns, or not at all. */
  installOwner(pem: string): void;
}

export interface LoginFacts {
  readonly node: NodeId;
  /** PEM; its being there, in whatever state, is what kills the secret. */
  readonly ownerKey: string | undefined;
  /** The hash of the one-time secret. */
  readonly secret: string | undefined;
}

/** How long a login waits after so many wrong answers in a row. */
export function delayMs(failures: number): number {
  return failures <= 0 ? 0 : Math.min(DELAY_MAX_MS, DELAY_MIN_MS * 2 ** Math.min(failures - 1, 30));
}

/** One try to get in; true lets in. Whoever is no owner learns the node's id and nothing else. */
export async function login(facts: LoginFacts, ports: LoginPorts): Promise<boolean> {
  const waitMs = delayMs(ports.readFailures());
  if (waitMs > 0) {
    ports.out(`After wrong answers: wait ${Math.ceil(waitMs / 1000)} s.`);
    await ports.delay(waitMs);
  }
  if (facts.ownerKey !== undefined) return byKey(facts.node, facts.ownerKey, ports);
  if (facts.secret !== undefined) return bySecret(facts.secret, ports);
  ports.out('This node knows no owner: nobody can log in.');
  return false;
}

async function byKey(node: NodeId, pem: string, ports: LoginPorts): Promise<boolean> {
  const owner = readPublicKey(pem);
  if (!owner) {
    ports.out("The owner's key on this node can't be read: nobody can log in.");
    return false;
  }
  const challenge = makeChallenge(node, ports.random(NONCE_BYTES));
  ports.out(`Challenge: ${challenge}\nAnswer by: cairn answer ${challenge} --key FILE`);
  return judge(ports, (answer) => isAnswer(answer, challenge, owner));
}

async function bySecret(record: string, ports: LoginPorts): Promise<boolean> {
  ports.out('This node has no owner yet. Type the one-time secret that its image was made with.');
  if (!(await judge(ports, (typed) => isSecret(typed, record)))) return false;
  ports.out("Right. Paste the owner's public key (PEM).");
  const pem = await readPem(ports);
  if (!pem || !readPublicKey(pem)) {
    ports.out('That is no Ed25519 public key in PEM form: nothing was changed.');
    return false;
  }
  ports.installOwner(pem);
  ports.out("The owner's key is installed, and the secret is dead. Log in with the key.");
  return false;
}

/** Counts the answer as wrong before looking at it: a pulled plug undoes no count. An empty line is no answer. */
async function judge(ports: LoginPorts, isRight: (line: string) => boolean): Promise<boolean> {
  const line = (await ports.readLine(ANSWER_TIMEOUT_MS))?.trim();
  if (!line) return false;
  const counted = await count(ports, ports.readFailures() + 1);
  if (!isRight(line)) {
    ports.out('Refused.');
    return false;
  }
  if (counted) await count(ports, 0);
  return true;
}

/** A disk that can't be written keeps no owner out; then everybody waits, since nothing is remembered. */
async function count(ports: LoginPorts, failures: number): Promise<boolean> {
  try {
    ports.writeFailures(failures);
    return true;
  } catch (error) {
    ports.out(`Wrong answers can't be counted: ${(error as Error).message}`);
    await ports.delay(delayMs(4));
    return false;
  }
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

function readPublicKey(pem: string): KeyObject | undefined {
  try {
    return parsePublicKey('the line', pem);
  } catch (error) {
    if (error instanceof IdentityError) return undefined;
    throw error;
  }
}
