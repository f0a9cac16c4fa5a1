import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Pacer } from '../../../runtime/console/session/pacer.js';
import { SimClock } from '../../support/sim-clock.js';
import { TestLine } from './wire.js';

function open(bytesPerSecond = 960) {
  const clock = new SimClock();
  const line = new TestLine(bytesPerSecond, clock);
  let stuck = 0;
  const pacer = new Pacer({ line, clock, onStuck: () => stuck++ });
  return { clock, line, pacer, stuck: () => stuck };
}

test('100 kB at 9600 baud: never more than 100 ms ahead, never idle, whole and in order', async () => {
  const { clock, line, pacer } = open();
  const lines = Array.from({ length: 2000 }, (_, i) => `${i}`.padEnd(49, '.'));
  for (const text of lines) pacer.write(`${text}\n`);
  let isDrained = false;
  void pacer.drained().then(() => {
    isDrained = true;
  });
  const bytes = 2000 * 51;
  const wireMs = (bytes / 960) * 1000;
  await clock.advance(wireMs - 200);
  assert.equal(isDrained, false);
  await clock.advance(200);
  assert.equal(isDrained, true, 'the line was kept busy');
  assert.equal(line.wire.text, lines.map((text) => `${text}\r\n`).join(''));
  assert.ok(line.wire.mostAheadMs <= 101, `${line.wire.mostAheadMs} ms ahead`);
});

test('drop takes back all but 100 ms of it', async () => {
  const { clock, line, pacer } = open();
  pacer.write('x'.repeat(100_000));
  await clock.advance(5000);
  const before = line.wire.text.length;
  pacer.drop();
  await pacer.drained();
  pacer.write('back');
  await clock.advance(200);
  assert.equal(line.wire.text.length, before + 4);
  const saidAtMs = line.wire.seenAtMs(before + 4) - 1000;
  assert.ok(saidAtMs <= 5000 + 110, `seen ${saidAtMs - 5000} ms after`);
});

test('no character is cut, at any speed; LF becomes CR LF, and CR LF stays', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 200 }), { maxLength: 10 }),
      fc.integer({ min: 30, max: 20_000 }),
      async (texts, speed) => {
        const { clock, line, pacer } = open(speed);
        const pieces: string[] = [];
        const take = line.wire.take;
        Object.assign(line.wire, {
          take: (bytes: Uint8Array) => {
            pieces.push(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
            take(bytes);
          },
        });
        for (const text of texts) pacer.write(text);
        await clock.advance(2_000_000);
        assert.equal(pieces.join(''), texts.map((text) => text.replaceAll(/\r?\n/g, '\r\n')).join(''));
      },
    ),
    { numRuns: 50 },
  );
});

test('a megabyte waits at most; what is more is counted and told where it is missing', async () => {
  const { clock, line, pacer } = open();
  const text = `${'y'.repeat(999)}\n`;
  for (let i = 0; i < 5000; i++) pacer.write(text);
  await clock.advance(3_600_000);
  const sent = line.wire.text.split('y'.repeat(999)).length - 1;
  const [, lost] = /… (\d+) lines are missing here/.exec(line.wire.text) ?? [];
  assert.equal(sent + Number(lost), 5000);
  assert.ok(sent > 900 && sent < 1050, `${sent} kB`);
});

test('a text costs more than its bytes: many of one character are bounded too', async () => {
  const { clock, line, pacer } = open();
  for (let i = 0; i < 100_000; i++) pacer.write('z');
  await clock.advance(600_000);
  const sent = /^z+/.exec(line.wire.text)![0].length;
  assert.ok(sent < 20_000, `${sent} texts waited`);
});

test('a line that takes nothing is told after a minute, and holds nobody up once it is closed', async () => {
  const { clock, line, pacer, stuck } = open();
  line.isStopped = true;
  pacer.write('hello');
  await clock.advance(59_000);
  assert.equal(stuck(), 0);
  await clock.advance(1_000);
  assert.equal(stuck(), 1);
  const drained = pacer.drained();
  pacer.close();
  await drained;
  pacer.write('more');
  await pacer.drained();
  assert.equal(line.wire.text, 'hello');
});

test('a line without a speed gets all as fast as it takes it', async () => {
  const { clock, line, pacer } = open(Number.POSITIVE_INFINITY);
  pacer.write('x'.repeat(500_000));
  await clock.advance(0);
  assert.equal(line.wire.text.length, 500_000);
});
