import type { Caller } from '../command.js';
import { drawQr, makeQr } from '../qr/index.js';
import { makeChallenge, NONCE_BYTES } from './challenge.js';
import { installBySecret, parseKey } from './first-owner.js';
import { type Asked, judgeAnswer, type Refusal, refusalText, type Verdict } from './judge.js';
import { Memory } from './memory.js';
import { isNotice, openNotice } from './notice.js';
import { OwnerTextError } from './owner-text.js';
import { ANSWER_TIMEOUT_MS, countAsWrong, delayMs, type LoginFacts, type LoginPorts } from './ports.js';

/** An answer, a notice before it, and the QR code in both its colours, with some to spare. */
const LINES_MAX = 8;

interface Session extends Asked {
  readonly memory: Memory;
}

/** One try to get in: who did, or undefined. Whoever has no key learns the node's id and nothing else. */
export async function login(facts: LoginFacts, ports: LoginPorts): Promise<Caller | undefined> {
  const waitMs = delayMs(ports.readFailures());
  if (waitMs > 0) {
    ports.out(`After wrong answers: wait ${Math.ceil(waitMs / 1000)} s.`);
    await ports.delay(waitMs);
  }
  if (facts.ownerKey !== undefined) return byKey(facts, facts.ownerKey, ports);
  if (facts.secret !== undefined) await installBySecret(facts.secret, ports);
  else ports.out('This node knows no owner: nobody can log in.');
  return undefined;
}

async function byKey({ node }: LoginFacts, pem: string, ports: LoginPorts): Promise<Caller | undefined> {
  const owner = parseKey(pem);
  if (!owner) {
    ports.out("The owner's key on this node can't be read: nobody can log in.");
    return undefined;
  }
  const challenge = makeChallenge(node, ports.random(NONCE_BYTES));
  const asked: Session = { node, challenge, owner, memory: new Memory(ports) };
  ports.out(
    `Challenge: ${challenge}\nAnswer by: cairn answer ${challenge} --key FILE\n(? shows it as a QR code)`,
  );
  for (let lines = 0; lines < LINES_MAX; lines++) {
    const line = (await ports.readLine(ANSWER_TIMEOUT_MS))?.trim();
    if (!line) return undefined;
    if (line === '?' || line === '??') showQr(challenge, line === '??', ports);
    else if (!isNotice(line)) return answered(line, asked, ports);
    else if (!(await isTaken(line, asked, ports))) return undefined;
  }
  return undefined;
}

function showQr(challenge: string, isInverted: boolean, ports: LoginPorts): void {
  for (const row of drawQr(makeQr(challenge), isInverted)) ports.out(row);
  ports.out('(?? draws it in the other colours)');
}

async function answered(line: string, asked: Asked, ports: LoginPorts): Promise<Caller | undefined> {
  const setCount = await countAsWrong(ports);
  const verdict = await judgeAnswer(line, asked);
  if ('refusal' in verdict) return refuse(verdict, ports);
  await setCount(0);
  return verdict.caller;
}

/** A bad one counts as a wrong answer; a good one proves nothing of who brings it. */
async function isTaken(line: string, { owner, memory }: Session, ports: LoginPorts): Promise<boolean> {
  const before = ports.readFailures();
  const setCount = await countAsWrong(ports);
  try {
    await memory.seeNotice(openNotice(line, owner));
  } catch (error) {
    if (!(error instanceof OwnerTextError)) throw error;
    await refuse({ refusal: error.kind, holder: false }, ports);
    return false;
  }
  await setCount(before);
  ports.out("The owner's notice is taken. Now the answer.");
  return true;
}

async function refuse(
  verdict: Extract<Verdict, { refusal: Refusal }>,
  ports: LoginPorts,
): Promise<undefined> {
  await ports.refused(verdict.refusal);
  ports.out(refusalText(verdict));
}
