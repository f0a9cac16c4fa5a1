import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { diskAt, readEntries } from '../../runtime/console/journal/index.js';
import { answerTo } from '../../runtime/console/login/challenge.js';
import { signGrant } from '../../runtime/console/login/grant.js';
import { root } from '../house/imports.js';
import { until } from '../support/until.js';
import { OWNER_ID, owner, technician } from './grant-vectors.js';

const MAIN = join(import.meta.dirname, '../../runtime/main.js');

test('a whole log-in by the two commands, on a pipe, to a command and the end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-terminal-'));
  try {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const at = (name: string) => join(folder, name);
    writeFileSync(at('owner.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    writeFileSync(at('owner.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const shell = spawn(process.execPath, [
      ...[MAIN, 'console', '--identity', folder, '--state', at('state')],
      ...['--owner-key', at('owner.pub'), '--secret', at('none')],
    ]);
    let said = '';
    shell.stdout.on('data', (chunk) => {
      said += chunk;
    });
    await until('the challenge', () => /--key FILE/.test(said));
    const challenge = /c1\.\S+/.exec(said)?.[0] ?? '';
    const answered = spawnSync(process.execPath, [MAIN, 'answer', challenge, '--key', at('owner.key')], {
      encoding: 'utf8',
      cwd: root,
    });
    const ended = new Promise((resolve) => shell.once('exit', resolve));
    shell.stdin.write(`${answered.stdout}parts --known\nexit\n`);
    assert.equal(await ended, 0);
    assert.match(said, /bme280 +i2c[\s\S]*The session is over\./);
    const wrong = spawnSync(process.execPath, [MAIN, 'answer', 'c1.x', '--key', at('owner.key')]);
    assert.equal(wrong.status, 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a technician gets in, and gets no shell; who was refused stands in the journal, too', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-terminal-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const at = (name: string) => join(folder, name);
  writeFileSync(at('owner.pub'), owner.publicKey.export({ type: 'spki', format: 'pem' }));
  const tried = async (answer: (challenge: string) => string) => {
    const shell = spawn(process.execPath, [
      ...[MAIN, 'console', '--identity', folder, '--state', at('state')],
      ...['--owner-key', at('owner.pub'), '--secret', at('none')],
    ]);
    const ended = new Promise((resolve) => shell.once('close', resolve));
    let said = '';
    shell.stdout.on('data', (chunk) => {
      said += chunk;
      const challenge = /c1\.\S+ --key FILE/.exec(said)?.[0].split(' ')[0];
      if (challenge && !shell.stdin.writableEnded) shell.stdin.end(`${answer(challenge)}\nshell\n`);
    });
    return { exit: await ended, said };
  };
  const everywhere = { publicKey: technician.publicKey, role: 'technician', node: undefined } as const;
  const grant = signGrant({ ...everywhere, name: 'A. Roe', epoch: 7 }, OWNER_ID, owner.privateKey);
  const roe = await tried((challenge) => answerTo(challenge, technician.privateKey, grant));
  assert.equal(roe.exit, 0);
  assert.match(roe.said, /shell needs the role owner; yours is technician/);
  assert.equal((await tried(() => 'wrong')).exit, 1);
  const journal = await readEntries(diskAt(at('state/journal/line')));
  assert.deepEqual(
    journal.map((entry) => (entry.e === 'begin' ? entry.name : entry.e === 'refused' ? entry.why : entry.e)),
    ['A. Roe', 'command', 'end', 'malformed'],
  );
});
