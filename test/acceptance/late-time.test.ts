import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PrintedRow } from '../../fleet/receive/print.js';
import { AnchorKeeper, systemClock } from '../../runtime/clock/index.js';
import type { UplinkConfig } from '../../runtime/config/types.js';
import type { Store } from '../../runtime/store/index.js';
import { createUplink, mqttJs } from '../../runtime/uplink/index.js';
import { openTest, rowsOf, temporary, testDeps, testOptions } from '../store/support.js';
import { startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { SimClock } from '../support/sim-clock.js';
import { until } from '../support/until.js';
import { dayWave, Oscillator } from '../wire/oscillator.js';

const RECEIVE = fileURLToPath(new URL('../../fleet/receive/main.js', import.meta.url));
const MS = 1_000_000n;
const S = 1_000n * MS;
/** What the kernel of a board without a battery believes at its start: 1970, and that nobody has set it. */
const KERNEL_START_NS = 0n;
const ROW_EVERY_S = 10;

/** A start of the machine: when it was in truth, how long it lived, and when (s of its boot clock) a time daemon set its clock, if ever. */
interface Life {
  readonly startNs: bigint;
  readonly livedS: number;
  readonly setAtS?: number;
}

const NEW_YEAR = BigInt(Date.UTC(2026, 0, 1)) * MS;
/** Powered, cut, powered …: the first start and three reboots, all without a network; hours into the last one a time server is heard. */
const LIVES: readonly Life[] = [
  { startNs: NEW_YEAR, livedS: 3 * 3600 },
  { startNs: NEW_YEAR + 4n * 3600n * S, livedS: 600 },
  { startNs: NEW_YEAR + 6n * 3600n * S, livedS: 2 * 3600 },
  { startNs: NEW_YEAR + 9n * 3600n * S, livedS: 8 * 3600, setAtS: 5 * 3600 },
];
/** 70 ppm slow, and 10 more or less by the hour. */
const crystal = new Oscillator(
  Array.from({ length: 600 }, (_, i) => 70_000 + Math.round(10_000 * dayWave(i * 5))),
);
const truthNs = (life: Life, bootNs: bigint) => life.startNs + crystal.wallNs(bootNs);
const SERVER_ERROR_NS = 15n * MS;

/** Lives one boot on a store: a row each 10 s, and the anchors that the kernel's clock gives. */
async function live(store: Store, life: Life, clock: SimClock): Promise<void> {
  const setNs = life.setAtS === undefined ? undefined : BigInt(life.setAtS) * S;
  const isSet = () => setNs !== undefined && clock.nowNs() >= setNs;
  const keeper = new AnchorKeeper({
    clock,
    wall: {
      pair: () => {
        const bootNs = clock.nowNs();
        const wallNs = isSet() ? truthNs(life, bootNs) - SERVER_ERROR_NS / 2n : KERNEL_START_NS + bootNs;
        return { bootNs, wallNs, uncertaintyNs: 500n };
      },
      sync: () => ({
        synchronised: isSet(),
        maxErrorNs: isSet() ? SERVER_ERROR_NS : 16n * S,
        estimatedErrorNs: 0n,
      }),
    },
    emit: (anchor) => store.anchor(anchor),
    log: () => undefined,
  });
  keeper.start();
  for (let second = ROW_EVERY_S; second <= life.livedS; second += ROW_EVERY_S) {
    await clock.advance(ROW_EVERY_S * 1000);
    store.append({ ...rowsOf('t', [second]), timesNs: BigInt64Array.of(clock.nowNs()) });
    if (second % 1000 === 0) await store.flush();
  }
  keeper.stop();
  await store.flush();
}

/** What `cairn-receive` prints of all that the store holds. */
async function printed(
  t: Parameters<typeof temporary>[0],
  store: Store,
  rows: number,
): Promise<PrintedRow[]> {
  const broker = await startMosquitto();
  const child = spawn(process.execPath, [RECEIVE, '--url', broker.url, '--json']);
  let [out, said] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const config: UplinkConfig = {
    ...{ url: broker.url, protocol: 'auto', payloads: ['packet'], window: 50 },
    ...{ pubackDeadlineMs: 5_000, keepAliveS: 10, backoffMinMs: 50, backoffMaxMs: 400 },
  };
  const uplink = createUplink({
    ...{ config, node: store.node, store, clock: systemClock(), connect: mqttJs(config, systemClock()) },
    ...{ random: Math.random, log: () => undefined, software: 'test' },
  });
  t.after(async () => {
    child.kill('SIGKILL');
    await uplink.stop(0);
    await broker.remove();
  });
  await until('subscribed', () => said.includes('connected'));
  uplink.start();
  const lines = () => out.split('\n').filter((line) => line.includes('"sequence"'));
  await until('every row', () => lines().length >= rows);
  return lines().map((line) => JSON.parse(line));
}

async function livedStore(t: Parameters<typeof temporary>[0]): Promise<Store> {
  const path = temporary(t);
  for (const [i, life] of LIVES.entries()) {
    const bootId = `0000000${i}-0000-0000-0000-000000000000`;
    const clock = new SimClock();
    const deps = testDeps({ nowNs: () => clock.nowNs() });
    const store = await openTest(testOptions(path, { bootId, deps }));
    await live(store, life, clock);
    if (i === LIVES.length - 1) return store;
    await store.close();
  }
  throw new Error('no life');
}

const ROWS = LIVES.reduce((sum, { livedS }) => sum + livedS / ROW_EVERY_S, 0);

test('FAULTS 23: from 1970, three reboots offline, one time late in the last: known within what is said, or bounded and marked', {
  skip: WITHOUT_MOSQUITTO,
  timeout: 200_000,
}, async (t) => {
  const store = await livedStore(t);
  const rows = await printed(t, store, ROWS);
  assert.equal(rows.length, ROWS);
  let [worstMs, saidMs, loosestS] = [0, 0, 0];
  for (const row of rows) {
    const life = LIVES[row.boot - 1]!;
    const truthMs = Number(truthNs(life, BigInt(row.timeNs)) / 1000n) / 1000;
    if (life.setAtS === undefined) {
      assert.equal(row.wall, null, 'no guess is printed as a time');
      assert.equal(row.notBefore, null);
      const latestMs = Date.parse(row.notAfter!);
      assert.ok(truthMs <= latestMs + 1, `#${row.sequence}: ${truthMs} is after ${row.notAfter}`);
      loosestS = Math.max(loosestS, (latestMs - truthMs) / 1000);
      continue;
    }
    const offMs = Math.abs(Date.parse(row.wall!) - truthMs);
    // The print cuts to whole milliseconds.
    assert.ok(
      offMs <= row.uncertaintyMs! + 1,
      `#${row.sequence}: off ${offMs} ms, said ±${row.uncertaintyMs}`,
    );
    worstMs = Math.max(worstMs, offMs);
    saidMs = Math.max(saidMs, row.uncertaintyMs!);
  }
  t.diagnostic(
    `${ROWS} rows of ${LIVES.length} boots: known ones off by ${worstMs.toFixed(0)} ms at the most (said ± ${saidMs.toFixed(0)} ms at the most), ` +
      `bounded ones at most ${(loosestS / 3600).toFixed(1)} h before what is said`,
  );
});
