import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { diskAt, readEntries, verify } from '../../runtime/console/journal/index.js';
import { answerTo } from '../../runtime/console/login/challenge.js';
import { OWNER } from '../../runtime/console/login/judge.js';
import { login } from '../../runtime/console/login/session.js';
import { loginState } from '../../runtime/console/login/state.js';
import { seededRandom } from '../uplink/random.js';
import { NODE, OWNERS_ANSWER, owner, TECHNICIANS_ANSWER } from './grant-vectors.js';
import { challengeIn, consoleOf } from './typed-console.js';

const WANTED = 1000;
const PER_LIFE = 40;
/** An answer takes some milliseconds: the kill falls anywhere in the next ones. */
const KILLED_WITHIN_MS = 20;
const CHILD = fileURLToPath(new URL('./login-child.js', import.meta.url));
/** Answers to a challenge that was never asked here, one cut, one of nothing: one a login. */
const WRONG = [OWNERS_ANSWER, TECHNICIANS_ANSWER, OWNERS_ANSWER.slice(0, 50), 'root'];

/** A console that is killed somewhere after so many refusals; how many answers it said no to. */
async function lifeOf(folder: string, refusals: number, thenMs: number): Promise<number> {
  const child = spawn(process.execPath, [CHILD, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  const refused = () => said.match(/^Refused/gm)?.length ?? 0;
  const closed = once(child, 'close');
  const isTime = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (refused() >= refusals) resolve();
    });
  });
  child.stdin.on('error', () => undefined);
  child.stdin.write(Array.from({ length: PER_LIFE }, (_, i) => `${WRONG[i % WRONG.length]}\n`).join(''));
  await Promise.race([isTime, closed]);
  await delay(thenMs);
  child.kill('SIGKILL');
  await closed;
  return refused();
}

test('1,000 wrong logins over kill -9 and reopen: each is counted, and nobody is locked out', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-kills-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const seed = Number(process.env.SEED ?? Date.now() % 1e6);
  const random = seededRandom(seed);
  const state = loginState(folder);
  let [lives, refused] = [0, 0];
  while (refused < WANTED) {
    const before = state.readFailures();
    const times = await lifeOf(folder, Math.floor(random() * PER_LIFE), random() * KILLED_WITHIN_MS);
    const counted = state.readFailures() - before;
    // One more may have been counted, and the process killed before it said no.
    assert.ok(
      counted === times || counted === times + 1,
      `seed ${seed}, life ${lives}: ${times} refused, ${counted} counted`,
    );
    lives++;
    refused += times;
    assert.ok(lives < WANTED, `seed ${seed}: no life lasts`);
  }
  const disk = diskAt(join(folder, 'journal'));
  const { problem } = await verify(disk, owner.publicKey);
  assert.equal(problem, undefined, `seed ${seed}`);
  const journalled = (await readEntries(disk)).filter(({ e }) => e === 'refused').length;
  t.diagnostic(
    `${refused} refused in ${lives} lives, ${state.readFailures()} counted, ${journalled} in the journal`,
  );
  assert.ok(journalled >= refused && journalled <= state.readFailures(), `seed ${seed}`);

  const { ports, seen } = consoleOf([(said) => answerTo(challengeIn(said), owner.privateKey)]);
  const ownerKey = owner.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const facts = { node: NODE, ownerKey, secret: undefined };
  const { ownerKey: _, ...kept } = state;
  assert.deepEqual(await login(facts, { ...ports, ...kept }), OWNER);
  assert.deepEqual([seen.delays, state.readFailures()], [[60_000], 0]);
  assert.equal(state.readSeen()?.epoch, 7, 'the epoch of the grant in a refused answer');
});
