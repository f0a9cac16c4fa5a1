import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Calibrations, type Draft } from '../../runtime/calibrations.js';
import type { NodeConfig } from '../../runtime/config/index.js';
import { textFiles } from '../../runtime/text-files.js';

const part = (id: string, driver = 'bme280') =>
  ({ id, driver: { id: driver } }) as NodeConfig['parts'][number];
const PARTS = [part('climate'), part('compass', 'lis3mdl')];
const MOMENT = { boot: 3, bootNs: '120000000000' };

const draft = (channel: string, offset = 0.5): Draft => ({
  ...{ part: 'climate', stream: 'climate', channels: [channel], kind: 'twoPoint', by: 'kim' },
  ...{ offset: [offset], matrix: [1.01], quality: { residual: 0, noise: 0.01 } },
});

function folderOf(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-calibrations-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const warned: string[] = [];
  const open = (parts = PARTS, setsAside = true) =>
    new Calibrations(textFiles(folder), parts, (text) => warned.push(text), setsAside);
  return { folder, warned, open, file: join(folder, 'climate.json') };
}

const marksOf = (of: readonly { readonly mark: string }[]) => of.map(({ mark }) => mark.split('-')[0]);

test('the newest of each channel is in use, the one before is after an undo, and numbers are never given twice', (t) => {
  const { open, warned } = folderOf(t);
  const calibrations = open();
  assert.match(calibrations.add(draft('temperature'), MOMENT).mark, /^1-[0-9a-f]{8}$/);
  calibrations.add(draft('temperature', 0.6), MOMENT);
  calibrations.add(draft('pressure'), MOMENT);
  assert.deepEqual(marksOf(calibrations.inUse('climate')), ['2', '3']);
  assert.deepEqual(marksOf(open().inUse('climate')), ['2', '3'], 'read again');
  assert.deepEqual(calibrations.inUse('compass'), []);

  assert.equal(calibrations.undo('climate', 'temperature')!.number, 2);
  assert.deepEqual(marksOf(calibrations.inUse('climate')), ['1', '3']);
  assert.equal(calibrations.undo('climate')!.number, 3);
  assert.equal(calibrations.undo('climate')!.number, 1);
  assert.equal(calibrations.undo('climate'), undefined);
  assert.equal(open().add(draft('temperature'), MOMENT).number, 4);
  assert.deepEqual(warned, []);
});

test('the same number with other content has another mark: a node whose folder was lost begins at 1 again', (t) => {
  const [a, b] = [folderOf(t).open(), folderOf(t).open()];
  assert.notEqual(a.add(draft('temperature'), MOMENT).mark, b.add(draft('temperature', 0.7), MOMENT).mark);
});

test('sixteen are kept, those in use among them', (t) => {
  const { open } = folderOf(t);
  const calibrations = open();
  calibrations.add(draft('pressure'), MOMENT);
  for (let i = 0; i < 30; i++) calibrations.add(draft('temperature', i), MOMENT);
  assert.equal(calibrations.kept('climate').length, 16);
  assert.deepEqual(marksOf(calibrations.inUse('climate')), ['1', '31']);
});

test('a damaged file is set aside, told and passed by; one bit is enough', (t) => {
  const { open, warned, file, folder } = folderOf(t);
  open().add(draft('temperature'), MOMENT);
  const whole = readFileSync(file, 'utf8');
  const { sha256, record } = JSON.parse(whole);
  assert.equal(sha256, createHash('sha256').update(JSON.stringify(record)).digest('hex'));
  writeFileSync(file, whole.replace('1.01', '1.03'));
  assert.deepEqual(open(PARTS, false).inUse('climate'), [], 'who only looks moves nothing');
  assert.deepEqual(readdirSync(folder), ['climate.json']);
  assert.deepEqual(open().inUse('climate'), []);
  assert.deepEqual(readdirSync(folder), ['climate.json.damaged']);
  assert.match(warned.at(-1)!, /climate\.json: damaged, climate goes without its calibrations: its SHA-256/);
  writeFileSync(file, whole.slice(0, 100));
  assert.deepEqual(open().inUse('climate'), []);
});

test('another kind of part under the same name is not corrected by what was found for the one before', (t) => {
  const { open, warned } = folderOf(t);
  open().add(draft('temperature'), MOMENT);
  assert.deepEqual(open([part('climate', 'ina219')]).inUse('climate'), []);
  assert.match(warned[0]!, /1 calibrations of another kind of part are passed by/);
  assert.equal(open().inUse('climate').length, 1, 'and the first one, back again, is');
});

test('a disk that refuses: nothing is in use that is not on it', (t) => {
  const { open, folder } = folderOf(t);
  const calibrations = open();
  rmSync(folder, { recursive: true });
  writeFileSync(folder, 'no folder');
  assert.throws(() => calibrations.add(draft('temperature'), MOMENT), /ENOTDIR|EEXIST/);
  assert.deepEqual(calibrations.inUse('climate'), []);
});
