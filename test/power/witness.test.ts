import assert from 'node:assert/strict';
import { test } from 'node:test';
import { promisedBy, WitnessStand } from '../../hil/power/witness.js';

const line = (stream: string, next: number, dropped = 0, from = 0) =>
  `${JSON.stringify({ epoch: 'e', stream, from, next, dropped })}\n`;

test('lines in pieces, each with the length that the log had when it was whole', () => {
  let logBytes = 1000;
  const stand = new WitnessStand(() => logBytes);
  const text = line('a', 3) + line('b', 4);
  stand.hear(text.slice(0, 10));
  logBytes = 2000;
  stand.hear(text.slice(10, 60));
  logBytes = 3000;
  stand.hear(`${text.slice(60)}${line('a', 7, 2)}{"epo`);
  assert.deepEqual(
    stand.said.map(({ stream, next, logBytes: at }) => [stream, next, at]),
    [
      ['a', 3, 2000],
      ['b', 4, 3000],
      ['a', 7, 3000],
    ],
  );
  assert.deepEqual([stand.broken, stand.dropped], [0, 2]);
  stand.hear(line('a', 1));
  assert.equal(stand.broken, 1, 'half a line of the life before');
});

test('a cut holds what was heard before, and nothing that was heard later', () => {
  let logBytes = 1000;
  const stand = new WitnessStand(() => logBytes);
  stand.hear(line('a', 3));
  logBytes = 2000;
  stand.hear(line('a', 9) + line('b', 1));
  assert.deepEqual(promisedBy(stand.said, 999), []);
  assert.deepEqual(promisedBy(stand.said, 1999), [{ epoch: 'e', stream: 'a', from: 0, next: 3 }]);
  assert.deepEqual(promisedBy(stand.said, 2000), [
    { epoch: 'e', stream: 'a', from: 0, next: 9 },
    { epoch: 'e', stream: 'b', from: 0, next: 1 },
  ]);
});

test('a promise of each life: what lies between them was never promised', () => {
  const stand = new WitnessStand(() => 512);
  stand.hear(line('a', 3) + line('a', 9) + line('a', 33, 0, 30) + line('a', 40, 0, 30));
  assert.deepEqual(promisedBy(stand.said), [
    { epoch: 'e', stream: 'a', from: 0, next: 9 },
    { epoch: 'e', stream: 'a', from: 30, next: 40 },
  ]);
});
