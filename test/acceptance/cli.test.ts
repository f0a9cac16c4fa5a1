import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connectAsync } from 'mqtt';
import { COMMANDS, runCommand } from '../../runtime/console/table.js';
import { partsOf } from '../../scripts/config-errors.js';
import { wrongFiles } from '../../scripts/schema.js';
import { root } from '../config/support.js';
import { type Mosquitto, startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { callingOf } from '../support/calling.js';
import { MAIN, TestNode } from './harness.js';

/** No call takes longer, on a busy machine either: `read` of an absent part waits for ten seconds. */
const CALL_MS = 90_000;
const STACK = /^\s+at .*[:(]/m;

interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** One call of the command in this process: all but a process's start and end. */
async function call(...words: string[]): Promise<Said> {
  let [out, err] = ['', ''];
  const said = {
    out: (text: string) => {
      out += `${text}\n`;
    },
    err: (text: string) => {
      err += `${text}\n`;
    },
  };
  const code = await runCommand(words, callingOf(said));
  assert.doesNotMatch(out + err, STACK, `cairn ${words.join(' ')}`);
  return { code, out, err };
}

/** The same as a process of its own: what it said, and no stack trace in it. */
async function cairn(...words: string[]): Promise<Said> {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const tooLong = setTimeout(() => child.kill('SIGKILL'), CALL_MS);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(tooLong);
  assert.doesNotMatch(out + err, STACK, `cairn ${words.join(' ')}`);
  return { code, out, err };
}

/** `--json`: one value a line. */
function jsonOf({ out }: Said): Record<string, unknown>[] {
  const lines = out.trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

const NODE_FILE = `
node: at-the-desk
board: ./board.yaml
parts:
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 200ms }
  self: { driver: node, every: 1s }
  ghost: { driver: lis3mdl, bus: i2c-2, address: 0x1c }
store: { path: STORE, size: 16 MB, commit: 100ms }
`;
const BOARD_FILE = `title: A desk
kind: twin
i2c:
  i2c-1: { pins: [3, 5] }
  i2c-2: { pins: [27, 28], device: 'unix:/nonexistent/nobody.sock' }
`;

let folder: string;
let node: TestNode;
let broker: Mosquitto | undefined;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cairn-cli-'));
  broker = WITHOUT_MOSQUITTO ? undefined : await startMosquitto();
  node = new TestNode(NODE_FILE + (broker ? `uplink: { url: '${broker.url}' }\n` : ''));
  writeFileSync(join(node.folder, 'board.yaml'), BOARD_FILE);
});

after(async () => {
  await node.remove();
  await broker?.remove();
  rmSync(folder, { recursive: true });
});

test('init makes a key that only its user may read, keeps it the next time, and refuses one that others may read', async () => {
  const identity = join(folder, 'identity');
  const made = await cairn('init', '--identity', identity, '--json');
  assert.equal(made.code, 0, made.err);
  const key = join(identity, 'node.key');
  assert.equal(statSync(key).mode & 0o777, 0o600);
  const bytes = readFileSync(key, 'utf8');
  const again = await call('init', '--identity', identity, '--json');
  assert.equal(again.code, 0);
  assert.deepEqual([jsonOf(made)[0]!.made, jsonOf(again)[0]!.made], [true, false]);
  assert.equal(jsonOf(made)[0]!.node, jsonOf(again)[0]!.node);
  assert.equal(readFileSync(key, 'utf8'), bytes);

  const withFleet = await call('init', '--identity', identity, '--fleet-key', join(identity, 'node.pub'));
  assert.equal(withFleet.code, 0, withFleet.err);
  assert.ok(existsSync(join(identity, 'fleet.pub')));
  const noKey = await call('init', '--identity', identity, '--owner-key', node.configFile);
  assert.equal(noKey.code, 2);
  assert.match(noKey.err, /node\.yaml: not a key in PEM form/);
  const nowhere = await call('init', '--identity', identity, '--owner-key', join(folder, 'nothing.pub'));
  assert.equal(nowhere.code, 2, nowhere.err);

  chmodSync(key, 0o644);
  const open = await call('init', '--identity', identity);
  assert.equal(open.code, 2);
  assert.match(open.err, /node\.key: readable by others \(mode 644\); do: chmod 600 /);
});

test('check says what is right with 0 and what is wrong with 2', async () => {
  const right = await cairn('check', node.configFile);
  assert.deepEqual([right.code, right.err], [0, '']);
  assert.match(right.out, /right\. Node at-the-desk on A desk, 3 parts\./);
  assert.equal(jsonOf(await call('check', node.configFile, '--json'))[0]!.node, 'at-the-desk');
  const wrong = await cairn('check', join(root, 'test/config/wrong/unknown-key.yaml'));
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /unknown-key\.yaml:\d+:\d+: /);
  const absent = await call('check', join(folder, 'absent.yaml'));
  assert.equal(absent.code, 2);
  assert.match(absent.err, /absent\.yaml: no such node file; name one with --config FILE/);
});

test('each wrong node file ends check and run with 2, says file, line and column, starts nothing, throws nothing', async () => {
  const files = wrongFiles(root);
  assert.ok(files.length >= 20);
  for (const command of ['check', 'run']) {
    for (const file of files) {
      const path = join(root, 'test/config/wrong', file.name);
      const err: string[] = [];
      const terminal = {
        out: (text: string) => assert.fail(text),
        err: (text: string) => err.push(text),
      };
      const words = command === 'check' ? ['check', path] : ['run', '--config', path];
      assert.equal(await runCommand(words, callingOf(terminal)), 2, file.name);
      const text = err.join('\n');
      assert.doesNotMatch(text, STACK, file.name);
      for (const line of partsOf(file).expected) {
        assert.ok(text.includes(`${file.name}:${/^\d+:\d+/.exec(line)![0]}: `), `${file.name}: ${text}`);
      }
    }
  }
  const process = await cairn('run', '--config', join(root, 'test/config/wrong/same-address.yaml'));
  assert.deepEqual([process.code, process.out], [2, '']);
});

test('parts probes each part: 0 when all answer, 1 when one does not, and names it', async () => {
  const said = await cairn('parts', '--config', node.configFile, '--json');
  assert.equal(said.code, 1);
  const found = Object.fromEntries(jsonOf(said).map(({ id, state }) => [id, state]));
  assert.deepEqual(found, { climate: 'ok', self: 'ok', ghost: 'absent' });
  const known = await call('parts', '--known', '--json');
  assert.equal(known.code, 0);
  assert.ok(jsonOf(known).some(({ id, attachment }) => id === 'bme280' && attachment === 'i2c'));
});

test('read gives one reading now; 1 from a part that is absent, 2 for a name that is none', async () => {
  const climate = await cairn('read', 'climate', '--config', node.configFile, '--json');
  assert.equal(climate.code, 0, climate.err);
  const { stream, values } = jsonOf(climate)[0] as {
    stream: string;
    values: { channel: string; value: number; unit: string }[];
  };
  assert.equal(stream, 'climate');
  const temperature = values.find(({ channel }) => channel === 'temperature')!;
  assert.ok(
    temperature.value > -40 && temperature.value < 85 && temperature.unit === 'Cel',
    JSON.stringify(values),
  );
  const plain = await call('read', 'self', '--config', node.configFile);
  assert.equal(plain.code, 0, plain.err);
  const [ghost, none, unnamed] = await Promise.all([
    call('read', 'ghost', '--config', node.configFile),
    call('read', 'nobody', '--config', node.configFile),
    call('read', '--config', node.configFile),
  ]);
  assert.equal(ghost.code, 1);
  assert.match(ghost.err, /ghost: nothing within \d+ s: .*absent/);
  assert.equal(none.code, 2);
  assert.match(none.err, /no part 'nobody' in the node file; it has: climate, self, ghost/);
  assert.equal(unnamed.code, 2);
});

test('every command explains itself with examples; what is no command or no option is 2', async () => {
  for (const command of COMMANDS) {
    const out: string[] = [];
    const terminal = {
      out: (text: string) => out.push(text),
      err: (text: string) => assert.fail(text),
    };
    assert.equal(await runCommand([...command.name.split(' '), '--help'], callingOf(terminal)), 0);
    const text = out.join('\n');
    assert.ok(
      command.examples.length > 0 && command.examples.every((line) => text.includes(line)),
      command.name,
    );
    assert.match(text, /^Exit codes: /m);
  }
  const all = await cairn('--help');
  assert.equal(all.code, 0);
  for (const command of COMMANDS) assert.ok(all.out.includes(`cairn ${command.name}`));
  assert.equal(
    (await cairn('--version')).out.trim(),
    JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version,
  );
  const noCommand = await cairn('explode');
  assert.equal(noCommand.code, 2);
  assert.match(noCommand.err, /no command 'explode'/);
  const noOption = await call('check', '--force');
  assert.equal(noOption.code, 2);
  assert.match(noOption.err, /'--force'/);
});

test('a running node answers status and holds its store; stopped, the store is read from its files', {
  timeout: 200_000,
}, async (t) => {
  t.after(() => node.stop('SIGKILL'));
  const config = ['--config', node.configFile];
  const before = await call('status', ...config);
  assert.equal(before.code, 1);
  assert.match(before.err, /no node runs with this store \(.*\); start it with: cairn run/);

  node.start();
  await node.until('rows are kept', ({ store }) => store.committedRows > 10);
  const [plain, status, store, second, verify] = await Promise.all([
    cairn('status', ...config),
    call('status', ...config, '--json'),
    call('store', 'status', ...config, '--json'),
    cairn('run', ...config),
    cairn('store', 'verify', ...config),
  ]);
  assert.equal(plain.code, 0);
  assert.match(plain.out, /^part {2}climate +ok /m);
  assert.match(plain.out, /^part {2}ghost +failing +\d+ times absent: /m);
  assert.deepEqual([status.code, jsonOf(status)[0]!.name], [0, 'at-the-desk']);
  assert.equal(store.code, 0, store.err);
  assert.ok(Array.isArray(jsonOf(store)[0]!.classes));
  assert.equal(second.code, 3, second.err);
  assert.match(second.err, /store/);
  assert.equal(verify.code, 3, verify.err);
  assert.ok(node.running, 'the first node does not notice');

  assert.equal(await node.stop(), 0);
  assert.equal((await call('status', ...config)).code, 1);
  // One after the other: each has the store to itself.
  const clean = await cairn('store', 'verify', ...config, '--json');
  const senml = await call('store', 'export', ...config);
  const csv = await call('store', 'export', '--format', 'csv', ...config);
  assert.equal(clean.code, 0, clean.out + clean.err);
  jsonOf(clean);
  t.diagnostic(`verify: ${clean.out.trim()}`);
  assert.equal(senml.code, 0, senml.err);
  assert.equal(csv.code, 0, csv.err);
  if (senml.out !== '') jsonOf(senml);
});

test('a block that an MQTT client saved is decoded', {
  skip: WITHOUT_MOSQUITTO,
  timeout: 200_000,
}, async (t) => {
  const client = await connectAsync(broker!.url);
  t.after(() => client.endAsync(true));
  await client.subscribeAsync('cairn/1/+/telemetry/climate', { qos: 1 });
  const message = new Promise<[topic: string, payload: Buffer]>((resolve) => {
    client.once('message', (topic, payload) => resolve([topic, payload]));
  });
  node.start();
  const [topic, payload] = await message;
  await node.stop();
  const file = join(folder, 'block.bin');
  writeFileSync(file, payload);
  const said = await cairn('decode', file, '--json');
  assert.equal(said.code, 0, said.err);
  const [block] = jsonOf(said) as { node: string; stream: string; count: number; rows: unknown[] }[];
  assert.deepEqual(
    [`cairn/1/${block!.node}/telemetry/${block!.stream}`, block!.rows.length],
    [topic, block!.count],
  );
  const plain = await call('decode', file);
  assert.match(plain.out, /stream climate first \d+ rows \d+ .*CRC ok/);
  payload[payload.length - 1]! ^= 1;
  writeFileSync(file, payload);
  const broken = await call('decode', file);
  assert.equal(broken.code, 1);
  assert.match(broken.err, /at byte 0: not a block: /);
  assert.equal((await call('decode', join(folder, 'absent.bin'))).code, 2);
});

test('whoever reads may stop reading: no stack trace for a closed pipe', () => {
  const script = `("${process.execPath}" "${MAIN}" --help; echo "code $?" >&2) | true`;
  const { stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  assert.equal(stderr, 'code 0\n');
});
