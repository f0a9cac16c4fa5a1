import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { LineReader } from '../../runtime/console/login/lines.js';
import { root } from '../house/imports.js';

const MAIN = join(import.meta.dirname, '../../runtime/main.js');

test('lines: split, merged, of every ending; noise is bounded; a line that hangs up is told', async () => {
  const input = new PassThrough();
  const lines = new LineReader(input);
  input.write('on');
  input.write('e\r\ntwo\nthree\rfo');
  assert.equal(await lines.next(1000), 'one');
  assert.equal(await lines.next(1000), 'two');
  assert.equal(await lines.next(1000), 'three');
  assert.equal(await lines.next(10), undefined, 'nobody types');
  input.write('ur\n');
  assert.equal(await lines.next(1000), 'four');
  input.write(`${'x'.repeat(1 << 20)}\nafter\n`);
  assert.equal((await lines.next(1000))?.length, 1024);
  assert.equal(await lines.next(1000), 'after');
  input.end();
  assert.equal(await lines.next(1000), undefined);
});

test('a whole login by the two commands, on a pipe', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-terminal-'));
  try {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const at = (name: string) => join(folder, name);
    writeFileSync(at('owner.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    writeFileSync(at('owner.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const shell = spawn(process.execPath, [
      ...[MAIN, 'login', '--identity', folder, '--state', at('state')],
      ...['--owner-key', at('owner.pub'), '--secret', at('none')],
    ]);
    let said = '';
    for await (const chunk of shell.stdout) {
      said += chunk;
      if (/--key FILE/.test(said)) break;
    }
    const challenge = /c1\.\S+/.exec(said)?.[0] ?? '';
    const answered = spawnSync(process.execPath, [MAIN, 'answer', challenge, '--key', at('owner.key')], {
      encoding: 'utf8',
      cwd: root,
    });
    const ended = new Promise((resolve) => shell.once('exit', resolve));
    shell.stdin.write(answered.stdout);
    assert.equal(await ended, 0);
    const wrong = spawnSync(process.execPath, [MAIN, 'answer', 'c1.x', '--key', at('owner.key')]);
    assert.equal(wrong.status, 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
