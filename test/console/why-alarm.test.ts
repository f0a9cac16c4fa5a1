import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarmLines, alarmsOf } from '../../runtime/console/why/alarm.js';
import type { ClassStatus, StreamStatus } from '../../runtime/store/index.js';
import { facts, NOW_NS, node, part, store } from '../health/why/facts.js';

const MINUTE_NS = 60_000_000_000n;
const streams = [
  { stream: 'sos', class: 'alarm' },
  { stream: 'climate', class: 'telemetry' },
] as unknown as readonly StreamStatus[];
const pressed = {
  ...{ stream: 'sos', partId: 'sos', timeNs: NOW_NS - 3n * MINUTE_NS, goodNs: {} },
  cells: [{ channel: 'state', value: 'pressed', unit: '', quality: 'good' as const }],
};
const parts = [part({ id: 'sos' }), part()];
const held = (blocks: number) =>
  [{ class: 'alarm', blocks, bytes: 100 }] as unknown as readonly ClassStatus[];
const told = (change: Parameters<typeof store>[0], latest = [pressed]) => {
  const seen = facts({ node: node({ parts, store: store({ streams, ...change }) }), latest });
  return alarmsOf(seen, 'sos').flatMap((alarm) => alarmLines(alarm, seen.nowNs));
};

test('why an alarm: the row that raised it, and whether somebody else has it', () => {
  assert.deepEqual(told({ classes: held(0) }), [
    'alarm sos: the last row 3 min ago: state pressed',
    '  none waits in the store: whatever came has its receipt',
  ]);
  assert.match(told({ classes: held(2) })[1]!, /^ {2}2 alarm blocks have no receipt yet/);
  assert.match(told({ classes: held(0) }, [])[0]!, /no row since this start/);
});

test('an alarm that no disk holds is said', () => {
  const health = { state: 'notWriting', since: 0n, reason: 'EIO', waitingRows: 4 } as const;
  assert.match(told({ classes: held(0), health }).join('\n'), /4 rows wait for the disk/);
});

test('what is no alarm is none', () => {
  const seen = facts({
    node: node({ parts, store: store({ streams, classes: held(0) }) }),
    latest: [pressed],
  });
  assert.deepEqual(alarmsOf(seen, 'climate'), []);
  assert.deepEqual(alarmsOf(facts({ node: undefined }), 'sos'), []);
});
