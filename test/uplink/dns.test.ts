import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Resolver as Cares } from 'node:dns';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../runtime/clock/index.js';
import { type AskAll, Resolver } from '../../runtime/uplink/resolver.js';
import { makeCa, startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { StubNameServer } from '../support/dns.js';
import { SimClock } from '../support/sim-clock.js';
import { StubBroker } from '../support/stub-broker.js';
import { until } from '../support/until.js';
import { realUplink } from './real.js';

const telemetry = { class: 'telemetry', stream: 'climate' } as const;
type Asked = Parameters<AskAll>[1];

/** What `net.connect` would be told. */
function look(resolver: Resolver): { told: string | undefined } {
  const seen: { told: string | undefined } = { told: undefined };
  resolver.lookup('broker.test', { all: true }, (error, addresses) => {
    seen.told = error
      ? (error.code ?? 'error')
      : (addresses as { address: string }[]).map(({ address }) => address).join(' ');
  });
  return seen;
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test('FAULTS 34: a name server that hangs is asked once at a time, and each try has an answer within 10 s', async (t) => {
  const clock = new SimClock();
  const asked: Asked[] = [];
  const resolver = new Resolver(clock, (_, answer) => asked.push(answer));
  const tries = [look(resolver)];
  await clock.advance(10_001);
  assert.equal(tries[0]!.told, 'EAI_AGAIN');
  for (let i = 0; i < 500; i++) {
    tries.push(look(resolver));
    await nextTurn();
  }
  assert.ok(tries.every(({ told }) => told === 'EAI_AGAIN'));
  assert.equal(asked.length, 1, 'one thread of the pool, however many tries');
  t.diagnostic(`${tries.length} tries, ${asked.length} lookup under way`);
  asked[0]!(null, [{ address: '192.0.2.9', family: 4 }]);
  assert.equal(tries[0]!.told, 'EAI_AGAIN', 'too late: it was answered');
  const next = look(resolver);
  asked[1]!(null, [{ address: '192.0.2.1', family: 4 }]);
  assert.equal(next.told, '192.0.2.1');
  assert.equal(clock.timers, 0);
});

test('FAULTS 34: without a name server the broker is where it was last reached, at once', async () => {
  const clock = new SimClock();
  const asked: Asked[] = [];
  const resolver = new Resolver(clock, (_, answer) => asked.push(answer));
  resolver.reached('192.0.2.7', 'IPv4');
  const hangs = look(resolver);
  const second = look(resolver);
  await nextTurn();
  assert.equal(second.told, '192.0.2.7', 'asked already: not waited for');
  await clock.advance(10_001);
  assert.equal(hangs.told, '192.0.2.7');
  asked[0]!(null, []);
  for (const code of ['ENOTFOUND', 'EAI_AGAIN']) {
    const refused = look(resolver);
    asked.at(-1)!(Object.assign(new Error(code), { code }), []);
    assert.equal(refused.told, '192.0.2.7', code);
  }
  const moved = look(resolver);
  asked.at(-1)!(null, [{ address: '192.0.2.8', family: 4 }]);
  assert.equal(moved.told, '192.0.2.8', 'who answers is believed');
});

/** Asks a name server by its address, not the system's; waits for it as long as the system would. */
function caresAt(place: string): AskAll {
  const cares = new Cares({ timeout: 30_000, tries: 1 });
  cares.setServers([place]);
  return (host, answer) =>
    cares.resolve4(host, (error, addresses) =>
      answer(
        error,
        (addresses ?? []).map((address) => ({ address, family: 4 })),
      ),
    );
}

test('FAULTS 34: the link breaks while no name server answers: online again at the known address', {
  timeout: 200_000,
}, async (t) => {
  const names = await StubNameServer.start();
  const broker = await StubBroker.start();
  const resolver = new Resolver(systemClock(), caresAt(names.place), 300);
  const url = `mqtt://broker.test:${broker.port}`;
  const { uplink, store } = realUplink({ url }, undefined, resolver);
  try {
    uplink.start();
    await until('online', () => uplink.status().link.state === 'online');
    assert.ok(names.questions > 0);
    names.answers = false;
    const before = names.questions;
    broker.cut();
    store.commit([telemetry]);
    await until('delivered', () => store.left.length === 0);
    broker.cut();
    await until('a third time', () => broker.connects >= 3);
    t.diagnostic(
      `${broker.connects - 1} reconnects, ${names.questions - before} questions without an answer`,
    );
    assert.equal(names.questions - before, 1, 'one under way');
  } finally {
    await uplink.stop(0);
    broker.close();
    names.close();
  }
});

test('FAULTS 34: at a known address too, TLS wants the name', {
  skip: WITHOUT_MOSQUITTO,
  timeout: 200_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-dns-'));
  const ca = makeCa(join(folder, 'ca'));
  const nobody: AskAll = (_, answer) => answer(Object.assign(new Error('no'), { code: 'EAI_AGAIN' }), []);
  try {
    for (const [name, outcome] of [
      ['broker.test', 'online'],
      ['127.0.0.1', 'tlsName'],
    ] as const) {
      const broker = await startMosquitto([], ca.issue(name));
      const resolver = new Resolver(systemClock(), nobody);
      resolver.reached('127.0.0.1', 'IPv4');
      const url = `mqtts://broker.test:${broker.port}`;
      const { uplink, reason } = realUplink({ url, ca: ca.ca }, undefined, resolver);
      uplink.start();
      await until(`a certificate for ${name}`, () => reason().startsWith(outcome));
      await uplink.stop(0);
      await broker.remove();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const canUnshare = spawnSync('unshare', ['-m', 'true']).status === 0;

test("FAULTS 34: while the system's resolver hangs, the store commits as before: one thread of the pool is held", {
  skip: canUnshare ? false : 'a mount namespace needs root',
  timeout: 200_000,
}, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-dns-'));
  const conf = join(folder, 'resolv.conf');
  // So patient that every look-up of the test is still under way at its end.
  writeFileSync(conf, 'nameserver 127.10.0.53\noptions timeout:30 attempts:5\n');
  const script = fileURLToPath(new URL('./hung-dns-child.js', import.meta.url));
  const run = 'mount --bind "$1" /etc/resolv.conf && exec "$2" "$3" "$4"';
  const node = [conf, process.execPath, script, join(folder, 'store')];
  const { stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', run, 'sh', ...node], {
    encoding: 'utf8',
    env: { ...process.env, UV_THREADPOOL_SIZE: '4' },
    timeout: 40_000,
  });
  rmSync(folder, { recursive: true, force: true });
  assert.notEqual(stdout, '', stderr);
  const seen: Record<string, number> = JSON.parse(stdout);
  t.diagnostic(
    `${seen.tries} tries, ${seen.questions} questions; commits: median ${seen.medianBeforeMs!.toFixed(1)} ms before, ${seen.medianDuringMs!.toFixed(1)} ms during, ${seen.longestDuringMs!.toFixed(1)} ms at most`,
  );
  assert.ok(seen.tries! >= 20);
  assert.ok(seen.questions! >= 1 && seen.questions! <= 2, 'A and AAAA of one look-up');
  assert.equal(seen.commits, 60);
});
