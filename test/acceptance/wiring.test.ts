import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Caller } from '../../runtime/console/command.js';
import { runCommand } from '../../runtime/console/table.js';
import { ask, controlPath, follow } from '../../runtime/control.js';
import { noSocat, Pty } from '../board/pty.js';
import { callingOf } from '../support/calling.js';
import { TestNode } from './harness.js';

const YAML = `
node: at-the-roadside
board: twin
parts:
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 1s }
  gps: { driver: gnss, port: uart0 }
  sos: { driver: contact, line: GPIO17, role: sos, bias: pullUp, activeLow: true }
store: { path: STORE }
`;

async function running(t: TestContext, yaml = YAML): Promise<TestNode> {
  const node = new TestNode(yaml);
  t.after(() => node.remove());
  node.start();
  await node.until('a row is kept', ({ store }) => store.committedRows > 0);
  return node;
}

interface Said {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

interface How {
  readonly caller?: Caller;
  readonly typed?: readonly string[];
  readonly stop?: AbortSignal;
}

async function call(node: TestNode, line: string, { stop, ...how }: How = {}): Promise<Said> {
  const [out, err]: [string[], string[]] = [[], []];
  const said = { out: (text: string) => out.push(text), err: (text: string) => err.push(text) };
  const calling = callingOf(said, { ...how, ...(stop && { signal: stop }) });
  const code = await runCommand([...line.split(' '), '--config', node.configFile], calling);
  return { code, out, err };
}

test('a node that runs is scanned, its registers and lines are read, and it goes on', {
  timeout: 120_000,
}, async (t) => {
  const node = await running(t);
  const scan = await call(node, 'scan i2c-1');
  assert.equal(scan.code, 0, scan.err.join());
  assert.ok(scan.out.includes('  0x76  climate'));
  assert.ok(scan.out.every(({ length }) => length <= 80));
  // The BME280's chip id, BST-BME280-DS002 §5.4.1.
  const dump = await call(node, 'i2c dump climate --from 0xd0 --count 1 --json');
  assert.deepEqual(JSON.parse(dump.out[0]!).values, [0x60]);
  const gpio = await call(node, 'gpio --json');
  const { line, part, level, edges } = JSON.parse(gpio.out[0]!);
  assert.deepEqual([line, part, level, edges], ['GPIO17', 'sos', 0, 0]);
  const { parts } = (await node.status())!;
  assert.ok(parts.every(({ failures }) => failures === 0));
});

test('an address of no part is read by the owner who says so, by a technician who types yes, by nobody else', {
  timeout: 120_000,
}, async (t) => {
  const node = await running(t);
  const technician = { role: 'technician', name: 'ada' } as const;
  const line = 'i2c dump i2c-1 0x50 --any';
  assert.equal((await call(node, 'i2c dump i2c-1 0x50')).code, 2);
  assert.equal((await call(node, line, { caller: technician, typed: ['y'] })).code, 4);
  const read = await call(node, line, { caller: technician, typed: ['yes'] });
  assert.match(read.err.join(), /nobody acknowledged/);
  assert.match((await call(node, line)).err.join(), /nobody acknowledged/);
  assert.equal((await call(node, line, { caller: { role: 'viewer', name: 'eve' } })).code, 4);
});

test('a port is sniffed while the node runs: its part is lent, and works again', {
  timeout: 120_000,
}, async (t) => {
  const node = await running(t);
  const sniffed = call(node, 'serial sniff gps --seconds 3');
  const lent = await node.until('the part is lent', ({ parts }) => parts[1]!.state === 'lent');
  assert.equal(lent.parts[0]!.state, 'ok');
  const { code, out } = await sniffed;
  assert.equal(code, 0);
  assert.ok(out.some((text) => /^\$GNRMC,.*\*[0-9A-F]{2}$/.test(text)));
  assert.match(out.join(' '), /uart0 at 9600 baud: \d+ bytes .* NMEA sentences$/);
  const { samples } = lent.parts[1]!;
  const after = await node.until('it works again', ({ parts }) => parts[1]!.samples > samples);
  assert.deepEqual([after.parts[1]!.state, after.parts[1]!.failures], ['ok', 0]);
});

test('Ctrl-C, and a console that dies, give the port back', { timeout: 120_000 }, async (t) => {
  const node = await running(t);
  const stop = new AbortController();
  const sniffed = call(node, 'serial sniff gps --seconds 50', { stop: stop.signal });
  await node.until('the part is lent', ({ parts }) => parts[1]!.state === 'lent');
  const pressed = Date.now();
  stop.abort();
  await sniffed;
  t.diagnostic(`felt after ${Date.now() - pressed} ms`);
  assert.ok(Date.now() - pressed < 2000, 'and not after its 50 s');
  await node.until('it is back', ({ parts }) => parts[1]!.state === 'ok', 5000);
  const end = new AbortController();
  const asked = { port: 'uart0', bauds: [9600], seconds: 50 };
  const answers = follow(controlPath(node.storePath), 'sniff', asked, end.signal);
  await answers.next();
  end.abort();
  await node.until('it is back', ({ parts }) => parts[1]!.state === 'ok', 5000);
});

test('a selftest says what works, and is an event in the store', { timeout: 120_000 }, async (t) => {
  const node = await running(t);
  const { out } = await call(node, 'selftest --json');
  const tested = new Map(out.map((text) => JSON.parse(text)).map((one) => [one.what, one]));
  for (const what of ['part climate', 'part gps', 'part sos', 'store', 'disk', 'memory'])
    assert.equal(tested.get(what)?.isOk, true, `${what}: ${tested.get(what)?.found}`);
  const { store } = (await node.status())!;
  assert.ok(store.streams.some(({ stream }) => stream === 'events'));
  await node.stop();
  const alone = await call(node, 'selftest --json');
  assert.equal(alone.code, 1);
  const failed = alone.out.map((text) => JSON.parse(text)).filter(({ isOk }) => !isOk);
  assert.deepEqual(
    failed.map(({ what }) => what),
    ['node'],
  );
});

test('why finds a silent port of a node that runs, and gives it back', {
  skip: noSocat,
  timeout: 180_000,
}, async (t) => {
  const pty = await Pty.make();
  t.after(() => pty.unplug());
  const node = await running(t, YAML.replace('port: uart0', `port: ${pty.link}`));
  await node.until('it fails', ({ parts }) => parts[1]!.state === 'failing');
  const { out } = await call(node, 'why gps --json');
  const [cause] = out.map((text) => JSON.parse(text));
  assert.equal(cause.kind, 'part.missing');
  assert.match(cause.what, /found no byte at 4800, .* baud/);
  const { parts } = (await ask(controlPath(node.storePath), 'status')) as Awaited<
    ReturnType<TestNode['status']>
  > & {};
  assert.notEqual(parts[1]!.state, 'lent');
});
