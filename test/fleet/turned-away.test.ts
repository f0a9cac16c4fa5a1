import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turnedAwayLog } from '../../fleet/turned-away.js';

function logged() {
  const lines: string[] = [];
  let ms = 0;
  const say = (level: string) => (text: string) => void lines.push(`${level} ${text}`);
  const turnedAway = turnedAwayLog({ info: say('info'), warn: say('warn') } as never, () => ms);
  const pass = (byMs: number) => {
    ms += byMs;
  };
  return { lines, turnedAway, pass };
}

test('of each reason a line a minute, and how many came in between', () => {
  const { lines, turnedAway, pass } = logged();
  for (let i = 0; i < 60; i++) {
    turnedAway(`client-${i}`, 'not authorized');
    pass(1_000);
  }
  turnedAway('tracker', 'packet too long');
  turnedAway('client-60', 'not authorized');
  assert.deepEqual(lines, [
    'warn broker: client-0: not authorized',
    'warn broker: tracker: packet too long',
    'warn broker: client-60: not authorized (and 59 more since that was last said)',
  ]);
});

test('a node that asks in MQTT 5 first is no warning', () => {
  const { lines, turnedAway } = logged();
  turnedAway('a connection', 'unacceptable protocol version');
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^info broker: a connection: .*MQTT 3\.1\.1/);
});

test('reasons that a stranger makes up fill neither memory nor log', () => {
  const { lines, turnedAway } = logged();
  for (let i = 0; i < 10_000; i++) turnedAway('stranger', `reason ${i}`);
  assert.equal(lines.length, 33);
});
