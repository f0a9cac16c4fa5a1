import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { noSocat } from '../../board/pty.js';
import { root } from '../../house/imports.js';
import { until } from '../../support/until.js';
import { RealLine } from './real-line.js';

const MAIN = join(import.meta.dirname, '../../../runtime/main.js');
const ATTENDED = join(import.meta.dirname, 'attended-main.js');
const PROMPT = /rig viewer> $/;
const options = { skip: noSocat, timeout: 300_000 };
/** A window's terminal: no speed. */
const FAST = Number.POSITIVE_INFINITY;

/** A session over the test's commands; it has said its prompt. */
async function attended(t: TestContext, baud?: number, idleMs = 600_000): Promise<RealLine> {
  const speed = baud === undefined ? FAST : baud / 10;
  const line = await RealLine.open(t, [ATTENDED, String(baud ?? 4_000_000_000), String(idleMs)], speed);
  await line.says(PROMPT);
  return line;
}

test(
  'Ctrl-C in the middle of 100 kB at 9600 baud is felt within 200 ms, and the prompt is back',
  options,
  async (t) => {
    const line = await attended(t, 9600);
    const felt: number[] = [];
    for (let i = 0; i < 5; i++) {
      const before = line.text.length;
      await line.type('flood\r');
      await until('some of it', () => line.text.length > before + 1500);
      const atMs = performance.now();
      await line.type('\x03');
      await until('the prompt', () => /\^C[\s\S]*rig viewer> $/.test(line.text.slice(before)));
      const said = line.text.length - line.text.slice(before).length;
      const end = said + line.text.slice(before).indexOf('^C') + 2;
      felt.push(line.wire.seenAtMs(end) - atMs);
    }
    t.diagnostic(
      `Ctrl-C in 100 kB at 9600 baud: felt after ${felt.map((ms) => ms.toFixed(0)).join(', ')} ms`,
    );
    // A busy machine is late now and then; a console that isn't paced is always.
    assert.ok(Math.min(...felt) <= 200, `${felt}`);
    t.diagnostic(`at most ${line.wire.mostAheadMs.toFixed(0)} ms of output beyond recall`);
  },
);

for (const baud of [9600, undefined]) {
  const name = `10 MB of random bytes and 10,000 fuzzed lines at ${baud ?? 'no'} baud: memory is flat, the prompt is back`;
  test(name, options, async (t) => {
    const line = await attended(t, baud);
    await noise(line, 4 << 20);
    await backWithin(t, line, '4 MB of random bytes');
    const before = line.rssBytes;
    await noise(line, 10 << 20);
    await backWithin(t, line, '10 MB of random bytes');
    const seed = randomBytes(4).readInt32LE();
    const lines = fc.sample(fuzzed, { numRuns: 10_000, seed });
    await hear(line, Buffer.from(lines.map((text) => `${text}\r`).join('')));
    await backWithin(t, line, `10,000 fuzzed lines (seed ${seed})`);
    const grownBytes = line.rssBytes - before;
    t.diagnostic(
      `memory: ${(before / 1e6).toFixed(0)} MB after the first noise, ${(grownBytes / 1e6).toFixed(1)} MB more after all`,
    );
    assert.ok(grownBytes < 20e6, `${grownBytes} bytes more`);
  });
}

const word = fc.oneof(
  fc.constantFrom(
    'say',
    'flod',
    'help',
    'hlep',
    '--json',
    '--',
    '-x',
    "'",
    '"',
    '\\',
    '#',
    '\t',
    '\x1b[A',
    '\x1b[D',
    '\x17',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
/** Lines of pieces of commands; neither `exit` nor a flood, which is asked for. */
const fuzzed = fc
  .array(word, { maxLength: 8 })
  .map((words) => words.join(' ').replaceAll(/exit|flood|hang|loose/g, '?'));

async function noise(line: RealLine, bytes: number): Promise<void> {
  for (let i = 0; i < bytes; i += 65_536) await hear(line, randomBytes(65_536));
}

/** Bytes that the process has read when this is over. */
async function hear(line: RealLine, bytes: Uint8Array): Promise<void> {
  const before = line.readBytes;
  await line.type(bytes);
  await until('all of it is read', () => line.readBytes >= before + bytes.length);
}

/** A person presses Ctrl-C and says something. */
async function backWithin(t: TestContext, line: RealLine, after: string): Promise<void> {
  const [ask, atMs] = [`say ${randomBytes(6).toString('hex')}`, performance.now()];
  await line.type('\x03');
  await line.says(/\^C\r\n(rig viewer> )?$/, 10_000);
  await line.type(`${ask}\r`);
  await line.says(new RegExp(`\\n${ask.slice(4)}\\r\\nrig viewer> $`), 10_000);
  const ms = performance.now() - atMs;
  t.diagnostic(`${after}: answered ${ms.toFixed(0)} ms later`);
  assert.ok(ms < 1000, `${ms} ms`);
}

/** Waits until what was typed is through: nothing has been said for a while. */
async function quiet(line: RealLine): Promise<void> {
  for (let last = -1; line.text.length !== last; ) {
    last = line.text.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

test(
  'noise at 9600 baud: breaks, XOFF, a neighbour who chatters; Enter brings the prompt',
  options,
  async (t) => {
    const line = await attended(t, 9600);
    for (let i = 0; i < 40; i++) await line.type(`$GPGGA,${i},,,,*56\r\n\0\0\x13\x13\xff\x1b[`);
    await quiet(line);
    const [before, atMs] = [line.text.length, performance.now()];
    await line.type('\r');
    await until('the prompt', () => PROMPT.test(line.text.slice(before)));
    const ms = performance.now() - atMs;
    t.diagnostic(`after 40 lines of chatter Enter brought the prompt within ${ms.toFixed(0)} ms`);
    assert.ok(ms < 1000, `${ms} ms`);
    await line.type('say here\r');
    await line.says(/\nhere\r\nrig viewer> $/);
    assert.ok((line.text.match(/No command/g) ?? []).length < 40, 'not each is answered');
  },
);

test('a fault that a command lets loose is told, and the session goes on', options, async (t) => {
  const line = await attended(t);
  await line.type('loose\r');
  await line.says(/fault of the program[\s\S]*let loose/);
  await line.type('say on\r');
  await line.says(/\non\r\nrig viewer> $/);
});

test('a line that is not read holds nothing up, and costs no memory', options, async (t) => {
  const line = await attended(t);
  await line.type('say x\r');
  const before = line.rssBytes;
  await line.type('flood\rflood\rflood\r');
  line.stop();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  assert.ok(line.rssBytes - before < 20e6);
  line.signal('SIGTERM');
  const atMs = performance.now();
  assert.equal(await line.ended(), 0);
  assert.ok(performance.now() - atMs < 5000);
});

test(
  'the end by hang-up, by a signal, by idling: the process is gone and the terminal as it was',
  options,
  async (t) => {
    const pulled = await attended(t);
    await pulled.type('hang\r');
    await pulled.hangUp();
    await pulled.ended();
    for (const signal of ['SIGHUP', 'SIGTERM'] as const) {
      const line = await attended(t);
      assert.equal(line.isRestored, false, 'raw while it runs');
      await line.type('hang\r');
      line.signal(signal);
      assert.equal(await line.ended(), 0);
      assert.ok(line.isRestored, signal);
    }
    const idle = await attended(t, undefined, 1000);
    assert.equal(await idle.ended(), 0);
    assert.match(idle.text, /the session ends in 1 s[\s\S]*over: idle\r\n$/);
    assert.ok(idle.isRestored);
  },
);

test('cairn console: from the banner through a log-in to a command and out', options, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-console-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const at = (name: string) => join(folder, name);
  writeFileSync(at('owner.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(at('owner.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const files = ['--identity', folder, '--state', at('state'), '--owner-key', at('owner.pub')];
  const node = join(root, 'board-configs/nodes/demo.yaml');
  const line = await RealLine.open(t, [MAIN, 'console', '--baud', '9600', '--config', node, ...files], 960);
  await line.says(/^\r\nCairn \d/);
  t.diagnostic(`from the start to the banner: ${(performance.now() - line.startedAtMs).toFixed(0)} ms`);
  await line.says(/--key FILE/);
  const challenge = /c1\.\S+/.exec(line.text)![0];
  const answered = spawnSync(process.execPath, [MAIN, 'answer', challenge, '--key', at('owner.key')]);
  await line.type(answered.stdout);
  await line.says(/demo owner> $/);
  await line.type('parts --kn\t\r');
  await line.says(/bme280 +i2c[\s\S]*demo owner> $/);
  await line.type('read cl\t');
  await line.says(/demo owner> read climate $/);
  await line.type('\x15\r');
  await line.says(/demo owner> $/);
  assert.equal(line.text.includes('\x1b'), false, 'no escape sequence was written');
  await line.type('shell\r');
  await line.says(/exit brings you back\r\n[\s\S]*[$#] $/);
  await line.type('echo six times seven is $((6*7)); stty -a\r');
  await line.says(/six times seven is 42\r\n[\s\S]* icanon [\s\S]*[$#] $/);
  await line.type('exit\r');
  await line.says(/demo owner> $/);
  assert.equal(line.isRestored, false, 'raw again');
  await line.type('say\x08\x08\x08exit\r');
  assert.equal(await line.ended(), 0);
  assert.match(line.text, /The session is over\.\r\n$/);
  assert.ok(line.isRestored);
});
