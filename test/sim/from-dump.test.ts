import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scenarioOf } from './from-dump.js';
import { Recording } from './run/recording.js';
import { runScenario } from './run/run.js';
import type { Fault, Scenario } from './scenario.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const MIB = 1024 * 1024;

/** A node of two parts, for an hour and a half, with what befalls it. */
function shortScenario(faults: readonly Fault[]): Scenario {
  return {
    ...{ format: 1, seed: 7, hours: 0.4, faults },
    store: {
      ...{ sizeBytes: 16 * MIB, spareBytes: MIB, commitIntervalMs: 1_000, reserveAheadMs: 10_000, syncMs: 5 },
      ...{ memoryBytes: MIB, quotaPercent: { alarm: 10, event: 10, telemetry: 40, bulk: 20, log: 10 } },
    },
    uplink: {
      ...{ protocol: 'auto', oldBroker: false, window: 20, receiveMaximum: 65_535, pubackDeadlineMs: 20_000 },
      ...{ backoffMinMs: 500, backoffMaxMs: 5_000, latencyMs: 30, bytesPerS: 100_000 },
    },
    clock: { ppm: 20, startsIn1970: true, syncAfterS: 40, maxErrorMs: 20 },
    streams: [
      { id: 'climate', class: 'telemetry', shape: 'climate', intervalMs: 10_000, burst: 1 },
      { id: 'imu', class: 'telemetry', shape: 'fifo', intervalMs: 15_000, burst: 20 },
      { id: 'button', class: 'alarm', shape: 'door', perDay: 400, burst: 2 },
    ],
  };
}

const FAULTS: readonly Fault[] = [
  { kind: 'diskError', atS: 120, forS: 40, on: 'all', share: 1 },
  { kind: 'outage', atS: 300, forS: 60, how: 'dns', halfOpen: false },
  { kind: 'bus', atS: 450, forS: 30, stream: 'climate', how: 'nack' },
  { kind: 'diskFull', atS: 600, forS: 50, leftBytes: 0 },
  { kind: 'crash', atS: 800, how: 'kill', moment: 'now', downS: 20 },
  { kind: 'jump', atS: 900, years: 10, resyncAfterS: 60 },
  { kind: 'slowDisk', atS: 1000, forS: 30, syncMs: 2_000 },
  { kind: 'crash', atS: 1200, how: 'kill', moment: 'now', downS: 5 },
];

/** The first fault of that kind, and how far it is from when it was. */
function found<K extends Fault['kind']>(scenario: Scenario, kind: K): Extract<Fault, { kind: K }> {
  const fault = scenario.faults.find((one): one is Extract<Fault, { kind: K }> => one.kind === kind);
  assert.ok(fault, `no ${kind}`);
  return fault;
}

const near = (value: number, wanted: number, off: number, what: string) =>
  assert.ok(Math.abs(value - wanted) <= off, `${what}: ${value}, was ${wanted}`);

test('a record of a run becomes a scenario: the same streams, the same faults at the same times', async (t) => {
  const recording = new Recording();
  const was = shortScenario(FAULTS);
  const recorded = await runScenario(was, { recording });
  assert.equal(recorded.violation, undefined);
  const again = scenarioOf(recording.text);
  assert.deepEqual(
    again.streams.map(({ id, class: ofClass, intervalMs }) => [id, ofClass, intervalMs]),
    was.streams.map(({ id, class: ofClass, intervalMs }) => [id, ofClass, intervalMs]),
  );
  assert.deepEqual(again.store, { ...was.store, syncMs: 5 });
  // Quiet seconds are told together: a kill may have been up to half a minute after the last line. A disk is slow by its first slow sync:
  // up to a second until the next commit, and reads before it are as slow.
  const off: Partial<Record<Fault['kind'], number>> = { crash: 31, slowDisk: 5 };
  for (const { kind, atS } of FAULTS.slice(0, 7)) near(found(again, kind).atS, atS, off[kind] ?? 2.5, kind);
  near(found(again, 'diskError').forS, 40, 10, 'diskError');
  near(found(again, 'outage').forS, 60, 10, 'outage');
  // It is over at the part's next try, and tries grow rarer.
  near(found(again, 'bus').forS, 45, 25, 'bus');
  // One sync takes half to one and a half of what is usual.
  near(found(again, 'slowDisk').syncMs, 2_000, 1_000, 'slowDisk');
  assert.deepEqual(
    [found(again, 'outage').how, found(again, 'bus').how, found(again, 'jump').years],
    ['dns', 'nack', 10],
  );
  // Two kills, and the record's own end.
  const ends = again.faults.flatMap((fault) => (fault.kind === 'crash' ? [fault] : []));
  assert.deepEqual(
    ends.map(({ how }) => how),
    ['kill', 'kill', 'kill'],
  );
  near(ends[0]!.atS + ends[0]!.downS, 820, 3, 'it is back');
  const [one, two] = [await runScenario(again), await runScenario(again)];
  assert.equal(one.violation, undefined);
  assert.equal(one.hash, two.hash);
  t.diagnostic(
    `${recording.text.length} bytes of record, ${again.faults.length} faults, ${one.readings} readings (${recorded.readings} in the recorded run)`,
  );
});

test('what is no record is refused; a record of another boot’s middle has a lead before it', () => {
  assert.throws(() => scenarioOf('{"t":1,"e":"link","is":"try"}'), /no flight record/);
  const recording = new Recording();
  const shape = { store: shortScenario([]).store, parts: [] };
  const lines = [
    { t: 0, e: 'start', software: 's', shape, afterDump: false },
    { t: 3_600_000, e: 'disk', on: 'batch', code: 'ENOSPC', ms: 3 },
    { t: 3_601_000, e: 'stop', why: 'SIGTERM' },
  ];
  const scenario = scenarioOf(lines.map((line) => JSON.stringify(line)).join('\n'));
  assert.equal(recording.text, '');
  assert.deepEqual(
    scenario.faults.map(({ kind, atS }) => [kind, atS]),
    [
      ['outage', 0],
      ['diskFull', 599.5],
    ],
  );
});

/** Rows of a batch that the disk refused are taken for written: a bug of the product, for processes that are started with it. */
const PLANT = {
  file: '/dist/runtime/store/committer.js',
  find: 'this.state.backlog.returned();',
  replace: 'this.state.backlog.landed();',
};
const HOOK = `
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
const { file, find, replace } = ${JSON.stringify(PLANT)};
export async function load(url, context, next) {
  if (!url.endsWith(file)) return next(url, context);
  const text = await readFile(fileURLToPath(url), 'utf8');
  if (text.split(find).length !== 2) throw new Error(file + ' has not exactly one: ' + find);
  return { format: 'module', shortCircuit: true, source: text.replace(find, replace) };
}`;

test('a failure in the field becomes a seed: a run that a bug breaks leaves a dump that breaks the simulation too, and does not without the bug', {
  timeout: 200_000,
}, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-dump-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const at = (name: string) => join(folder, name);
  writeFileSync(at('hook.mjs'), HOOK);
  writeFileSync(
    at('register.mjs'),
    "import { register } from 'node:module';\nregister('./hook.mjs', import.meta.url);\n",
  );
  const faults = FAULTS.filter(({ kind }) => kind === 'diskError' || kind === 'outage');
  writeFileSync(at('field.json'), JSON.stringify(shortScenario(faults)));
  const run = (isPlanted: boolean, ...words: string[]) => {
    const planted = isPlanted ? ['--import', at('register.mjs')] : [];
    const { status, stdout, stderr } = spawnSync(process.execPath, [...planted, MAIN, ...words], {
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    return { status, stdout };
  };
  assert.equal(run(false, '--scenario', at('field.json')).status, 0, 'the product stands it');
  const field = run(true, '--scenario', at('field.json'), '--record', at('dump.jsonl'));
  assert.equal(field.status, 1, field.stdout);
  const replayed = run(true, '--dump', at('dump.jsonl'));
  assert.equal(replayed.status, 1, replayed.stdout);
  assert.match(replayed.stdout, /\n(lost|drain): [^\n]*climate/);
  assert.match(field.stdout, /\n(lost|drain): [^\n]*climate/);
  const mended = run(false, '--dump', at('dump.jsonl'));
  assert.equal(mended.status, 0, mended.stdout);
  t.diagnostic(`with the bug: ${replayed.stdout.trim().split('\n').at(-1)}`);
});
