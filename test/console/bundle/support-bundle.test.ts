import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCommand } from '../../../runtime/console/table.js';
import { controlPath } from '../../../runtime/control.js';
import { ControlServer } from '../../../runtime/control-server.js';
import { ensureIdentity } from '../../../runtime/identity.js';
import { callingOf } from '../../support/calling.js';

/** Planted, one a place. */
const PLANTS = {
  passwordFile: 'plant-pw-Qx7&/+ä',
  keyFile: 'plant-key-4Kd9sLmQ2',
  environment: 'plant-env-77aaZZ',
  comment: 'plant-comment-11',
  url: 'plant-url-%2F22',
  scalar: 'plant-scalar-33',
};

function folderOf(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-support-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'usb'));
  ensureIdentity(join(folder, 'identity'));
  writeFileSync(join(folder, 'pw'), `${PLANTS.passwordFile}\n`, { mode: 0o600 });
  writeFileSync(
    join(folder, 'tls.key'),
    `-----BEGIN PRIVATE KEY-----\n${PLANTS.keyFile}\n-----END PRIVATE KEY-----\n`,
    {
      mode: 0o600,
    },
  );
  for (const name of ['ca.pem', 'node.pem']) writeFileSync(join(folder, name), 'public\n');
  process.env.CAIRN_TEST_TOKEN = PLANTS.environment;
  t.after(() => {
    delete process.env.CAIRN_TEST_TOKEN;
  });
  return folder;
}

function writeNode(folder: string, url: string, password: string) {
  const file = join(folder, 'node.yaml');
  const at = (name: string) => join(folder, name);
  writeFileSync(
    file,
    `# password: ${PLANTS.comment}
node: depot
board: twin
identity: ${at('identity')}
store: { path: ${at('store')}, size: 16 MB }
uplink:
  url: ${url}
  ca: { file: ${at('ca.pem')} }
  certificate: { file: ${at('node.pem')} }
  key: { file: ${at('tls.key')} }
  username: kim
  password: ${password}
parts:
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 2s }
`,
  );
  return file;
}

/** A node that says its secrets aloud. */
async function talking(t: TestContext, folder: string) {
  const seed = readFileSync(join(folder, 'identity/node.key'), 'utf8').split('\n')[1]!;
  const line = (text: string) => ({ timeNs: 1n, level: 'warn', module: 'uplink', text });
  const text = Object.values(PLANTS);
  const server = new ControlServer({
    path: controlPath(join(folder, 'store')),
    answer: (name) => {
      if (name === 'recentLog')
        return [
          ...text,
          seed,
          ...text.map((one) => Buffer.from(`:${one}:`).toString('base64')),
          ...text.map(encodeURIComponent),
        ].map(line);
      if (name === 'dead')
        return [
          {
            stream: 't',
            first: 1,
            count: 1,
            content: Buffer.from('a reading').toString('base64'),
            reason: PLANTS.passwordFile,
          },
        ];
      throw new Error(`${PLANTS.keyFile} is what this node knows`);
    },
    log: () => undefined,
  });
  await server.start();
  t.after(() => server.stop());
  return seed;
}

async function bundled(file: string, ...words: readonly string[]) {
  const [out, err] = [[] as string[], [] as string[]];
  const said = { out: (text: string) => out.push(text), err: (text: string) => err.push(text) };
  const code = await runCommand(['support-bundle', ...words, '--config', file], callingOf(said));
  return { code, out, err: err.join('\n') };
}

function lookFor(plants: readonly string[], where: Buffer | string) {
  for (const plant of plants)
    for (const form of [
      plant,
      encodeURIComponent(plant),
      decodeURIComponent(plant),
      Buffer.from(plant).toString('base64').slice(0, -4),
      JSON.stringify(plant).slice(1, -1),
    ])
      assert.ok(!where.includes(form), `${plant} as ${form}`);
}

function filesOf(folder: string): Buffer {
  const [name] = readdirSync(join(folder, 'usb'));
  assert.match(name!, /^cairn-(depot|node)-\d{8}T\d{6}\.tar\.gz$/);
  const tar = join(folder, 'usb', name!);
  return execFileSync('tar', ['-xzOf', tar], { maxBuffer: 1e8 });
}

test('no secret of any place is in a bundle of a node that says them all aloud', async (t) => {
  const folder = folderOf(t);
  const file = writeNode(folder, 'mqtts://broker.example:8883', `{ file: ${join(folder, 'pw')} }`);
  const seed = await talking(t, folder);
  const { code, err } = await bundled(file, '--to', join(folder, 'usb'));
  assert.equal(code, 0, err);
  const all = filesOf(folder);
  const { passwordFile, keyFile, environment, comment } = PLANTS;
  lookFor([passwordFile, keyFile, environment, comment, seed], all);
  const text = all.toString();
  assert.match(text, /"module":"uplink","text":"\[redacted\]"/);
  assert.match(text, /"reason": "\[redacted\]"/);
  assert.ok(!text.includes(Buffer.from('a reading').toString('base64')), 'what a rejected reading says');
  assert.match(text, /broker\.example:8883/, 'what is no secret is there');
  lookFor(Object.values(PLANTS), err);
});

test('secrets that a wrong node file holds itself are in no bundle of it', async (t) => {
  const folder = folderOf(t);
  const file = writeNode(folder, `mqtt://kim:${PLANTS.url}@broker.example`, PLANTS.scalar);
  const { code, err } = await bundled(file, '--to', join(folder, 'usb'));
  assert.equal(code, 0, err);
  const all = filesOf(folder);
  lookFor([PLANTS.url, PLANTS.scalar, PLANTS.comment, PLANTS.environment], all);
  assert.match(all.toString(), /mqtt:\/\/\[redacted\]@broker\.example/);
});

test('down the line: what stands between the marks is the bundle, in lines of 76', async (t) => {
  const folder = folderOf(t);
  const file = writeNode(folder, 'mqtts://broker.example:8883', `{ file: ${join(folder, 'pw')} }`);
  const { code, out, err } = await bundled(file);
  assert.equal(code, 0, err);
  const [begin, end] = [out[0]!, out.at(-1)!];
  const lines = out.slice(1, -1);
  assert.ok(lines.slice(0, -1).every(({ length }) => length === 76));
  const bytes = execFileSync('base64', ['-d'], { input: lines.join('\r\n').replaceAll('\r', '') });
  assert.match(begin, new RegExp(`^-----BEGIN cairn-depot-\\S+\\.tar\\.gz ${bytes.length} bytes-----$`));
  assert.ok(end.endsWith(`SHA-256 ${createHash('sha256').update(bytes).digest('hex')}-----`));
  assert.match(execFileSync('tar', ['-tzf', '-'], { input: bytes, encoding: 'utf8' }), /^manifest\.json$/m);
  assert.match(err, /base64 -d b64/);
});

test('a person is told size and time first, and nothing is sent without a yes', async (t) => {
  const folder = folderOf(t);
  const file = writeNode(folder, 'mqtts://broker.example:8883', `{ file: ${join(folder, 'pw')} }`);
  const [out, err] = [[] as string[], [] as string[]];
  const calling = callingOf(
    { out: (text) => out.push(text), err: (text) => err.push(text) },
    { typed: ['no'] },
  );
  const terminal = { ...calling.terminal, interactive: true };
  const code = await runCommand(['support-bundle', '--config', file], { ...calling, terminal });
  assert.equal(code, 2);
  assert.deepEqual(out, []);
  assert.match(err.join(' '), /bytes: \d+ s at 9600 baud, \d+ s at 115200\./);
});
