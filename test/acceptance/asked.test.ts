import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { runCommand } from '../../runtime/console/table.js';
import { callingOf } from '../support/calling.js';
import { TestNode } from './harness.js';

const YAML = `
node: at-the-roadside
board: twin
parts:
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 30min }
  gps: { driver: gnss, port: uart0 }
store: { path: STORE }
uplink: { url: "mqtt://127.0.0.1:1" }
`;

async function running(t: TestContext): Promise<TestNode> {
  const node = new TestNode(YAML);
  t.after(() => node.remove());
  node.start();
  await node.until('a row is kept', ({ store }) => store.committedRows > 0);
  return node;
}

async function call(
  node: TestNode,
  words: readonly string[],
  stopWhen = (_said: readonly string[]) => false,
) {
  const [out, err]: [string[], string[]] = [[], []];
  const stop = new AbortController();
  const said = {
    out: (text: string) => {
      out.push(text);
      if (stopWhen(out)) stop.abort();
    },
    err: (text: string) => err.push(text),
  };
  const timer = setTimeout(() => stop.abort(), 20_000);
  const code = await runCommand(
    [...words, '--config', node.configFile],
    callingOf(said, { signal: stop.signal }),
  );
  clearTimeout(timer);
  return { code, out, err };
}

test('a part that is read twice an hour is read now, by the node that holds it', {
  timeout: 120_000,
}, async (t) => {
  const node = await running(t);
  const before = (await node.status())!.parts[0]!.samples;
  const { code, out } = await call(node, ['read', 'climate', '--json']);
  assert.equal(code, 0);
  assert.deepEqual(
    JSON.parse(out[0]!).values.map((cell: { channel: string }) => cell.channel),
    ['temperature', 'pressure', 'humidity'],
  );
  assert.equal((await node.status())!.parts[0]!.samples, before + 1);
});

test('readings are watched as they come, as often as somebody wants them, until Ctrl-C', {
  timeout: 120_000,
}, async (t) => {
  const node = await running(t);
  const began = Date.now();
  const { code, out } = await call(
    node,
    ['watch', 'climate', '--every', '0.5', '--json'],
    ({ length }) => length === 3,
  );
  assert.equal(code, 0);
  const times = out.map((line) => Number(JSON.parse(line).timeNs) / 1e6);
  assert.equal(times.length, 3);
  assert.ok(times[2]! - times[0]! > 800 && Date.now() - began < 15_000);
  assert.equal((await call(node, ['watch', 'nobody'])).code, 2);
});

test('the log so far, and as it goes on, each line once', { timeout: 120_000 }, async (t) => {
  const node = await running(t);
  await node.until('the link was tried', ({ uplink }) => (uplink?.trouble?.failures ?? 0) > 1);
  const { code, out } = await call(
    node,
    ['log', '--module', 'uplink', '--json', '--follow'],
    ({ length }) => length === 4,
  );
  assert.equal(code, 0);
  const lines = out.map((line) => JSON.parse(line));
  assert.ok(lines.every(({ module, text }) => module === 'uplink' && /refused/.test(text)));
  assert.equal(new Set(lines.map(({ timeNs }) => timeNs)).size, 4);
  const [none] = (await call(node, ['log', '--level', 'error', '--module', 'uplink'])).out;
  assert.equal(none, undefined);
});

test('a person’s watch is an anchor until something better comes; no clock can be in 2020', {
  timeout: 120_000,
}, async (t) => {
  const node = await running(t);
  assert.equal((await call(node, ['time', 'set', '2020-01-01T00:00:00Z'])).code, 1);
  const { time } = (await node.status())!;
  if (time.wallNs !== undefined) return t.skip('the kernel’s clock is set here: a watch is worse');
  assert.equal((await call(node, ['time', 'set', '2026-11-22T20:00:00+01:00', '--within', '5'])).code, 0);
  const { wallNs, uncertaintyNs } = (await node.status())!.time;
  const off = Number(BigInt(wallNs!)) / 1e9 - Date.parse('2026-11-22T19:00:00Z') / 1000;
  assert.ok(off >= 0 && off < 30, `${off} s`);
  assert.ok(Number(uncertaintyNs) >= 5e9);
  assert.equal(
    (await call(node, ['time', 'set', '2026-11-22T21:00:00Z', '--within', '5'])).code,
    0,
    'it contradicts',
  );
  assert.equal((await call(node, ['time', 'set', 'noon'])).code, 2);
});

test('why: a node that runs names its dead link after a while, one that doesn’t is the cause itself', {
  timeout: 120_000,
}, async (t) => {
  const node = await running(t);
  await node.until('20 s of trouble', ({ uplink, time }) => {
    const sinceNs = BigInt(uplink?.trouble?.sinceNs ?? time.bootNs);
    return BigInt(time.bootNs) - sinceNs > 21_000_000_000n;
  });
  const kinds = async () => {
    const { code, out } = await call(node, ['why', '--json']);
    return [code, ...out.map((line) => JSON.parse(line).kind).filter((kind) => kind !== 'time.unset')];
  };
  assert.deepEqual(await kinds(), [1, 'uplink.refused']);
  assert.match((await call(node, ['status'])).out.join('\n'), /^why {3}.*$/m);
  await node.stop('SIGKILL');
  assert.deepEqual(await kinds(), [1, 'process.absent']);
});
