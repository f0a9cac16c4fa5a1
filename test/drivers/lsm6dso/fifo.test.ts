import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FifoAssembler, parseFifoWord } from '../../../drivers/lsm6dso/conversion.js';
import { PartTime } from '../../../drivers/lsm6dso/part-time.js';
import { fromHex } from '../twin-bus.js';

const PERIOD = 384; // ticks at 104 Hz: 40 kHz / (6667 Hz / 64), AN5192
const GYRO = 0x01;
const ACCEL = 0x02;
const TIMESTAMP = 0x04;

function word(tag: number, slot: number, value: number) {
  const data = new DataView(new ArrayBuffer(6));
  if (tag === TIMESTAMP) data.setUint32(0, value, true);
  else data.setInt16(0, value, true);
  return { tag, slot: slot & 3, data };
}

/** Moments first … last as the part would write them: gyroscope, accelerometer, and a timestamp every eighth. */
function* moments(first: number, last: number, order: 'before' | 'after') {
  for (let i = first; i <= last; i++) {
    const stamp = i % 8 === 0 ? [word(TIMESTAMP, i, (1000 + i * PERIOD) >>> 0)] : [];
    if (order === 'before') yield* stamp;
    yield word(GYRO, i, i);
    yield word(ACCEL, i, -i);
    if (order === 'after') yield* stamp;
  }
}

const ticksOf = (fifo: FifoAssembler) => fifo.take().map(({ tick, gyro }) => [gyro[0], tick] as const);
const expected = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => [first + i, 1000 + (first + i) * PERIOD] as const);

test('a tag is sensor, slot and even parity, as in the datasheet', () => {
  // DS12140, FIFO_DATA_OUT_TAG: TAG_SENSOR [7:3], TAG_CNT [2:1], TAG_PARITY [0].
  const accel = parseFifoWord(fromHex('12' + '0100feff0080'))!;
  assert.deepEqual([accel.tag, accel.slot], [ACCEL, 1]);
  assert.deepEqual([accel.data.getInt16(0, true), accel.data.getInt16(2, true)], [1, -2]);
  assert.equal(parseFifoWord(fromHex('13' + '000000000000')), undefined);
  const timestamp = parseFifoWord(fromHex('24' + '000000000000'))!;
  assert.deepEqual([timestamp.tag, timestamp.slot], [TIMESTAMP, 2]);
});

for (const order of ['before', 'after'] as const) {
  test(`samples get their moments, with the timestamp ${order} them`, () => {
    const fifo = new FifoAssembler(PERIOD);
    for (const w of moments(0, 30, order)) fifo.push(w);
    assert.deepEqual(ticksOf(fifo), expected(0, 30));
  });

  test(`the reads may end anywhere, with the timestamp ${order}`, () => {
    const fifo = new FifoAssembler(PERIOD);
    const got: (readonly [number, number])[] = [];
    for (const w of moments(0, 40, order)) {
      fifo.push(w);
      got.push(...ticksOf(fifo));
    }
    assert.deepEqual(got, expected(0, 40));
  });

  test(`samples before the first timestamp wait for it, with the timestamp ${order}`, () => {
    const fifo = new FifoAssembler(PERIOD);
    for (const w of moments(3, 7, order)) fifo.push(w);
    assert.deepEqual(fifo.take(), []);
    for (const w of moments(8, 10, order)) fifo.push(w);
    assert.deepEqual(ticksOf(fifo), expected(3, 10));
  });

  test(`a hole is marked on the sample after it, and times go on right, with the timestamp ${order}`, () => {
    for (const hole of [1, 2, 3, 4, 9]) {
      const fifo = new FifoAssembler(PERIOD);
      for (const w of moments(0, 17, order)) fifo.push(w);
      assert.ok(fifo.take().every((sample) => !sample.afterGap));
      for (const w of moments(18 + hole, 60, order)) fifo.push(w);
      const samples = fifo.take();
      // A hole of four moments looks like none until the next timestamp tells: it is marked there.
      assert.equal(samples.filter((sample) => sample.afterGap).length, 1, `hole of ${hole}`);
      const known = samples.filter(({ gyro }) => gyro[0] >= 24);
      for (const { gyro, tick } of known) assert.equal(tick, 1000 + gyro[0] * PERIOD, `hole of ${hole}`);
    }
  });
}

test('after an overrun half a moment is left out, and the next sample is marked', () => {
  const fifo = new FifoAssembler(PERIOD);
  for (const w of moments(0, 9, 'after')) fifo.push(w);
  fifo.take();
  fifo.lost();
  fifo.push(word(ACCEL, 21, -21));
  for (const w of moments(22, 26, 'after')) fifo.push(w);
  const samples = fifo.take();
  assert.deepEqual(
    samples.map(({ gyro, tick, afterGap }) => [gyro[0], tick, afterGap]),
    expected(22, 26).map(([i, tick]) => [i, tick, i === 22]),
  );
});

test('ticks go through the wrap of 32 bits', () => {
  const fifo = new FifoAssembler(PERIOD);
  fifo.push(word(TIMESTAMP, 0, 0xffffff00));
  for (let i = 0; i < 3; i++) {
    fifo.push(word(GYRO, i, i));
    fifo.push(word(ACCEL, i, i));
  }
  assert.deepEqual(
    fifo.take().map(({ tick }) => tick),
    [0xffffff00, 0x80, 0x200],
  );
  const time = new PartTime(0);
  time.observe(0xffffff00, 1_000_000_000n, 1_000_000_000n);
  time.observe(0x300, 1_025_600_000n, 1_025_600_000n);
  // 0x400 ticks of 25 µs after the first look; the sample 0x100 ticks before the second.
  assert.equal(time.hostNs(0x200), 1_025_600_000n - 6_400_000n);
});

for (const rate of [1.004, 0.996]) {
  test(`a part at ${rate} of its rate stays on the host clock: no drift, no lateness, no step back`, () => {
    // It says that its rate is 1, and is read every 250 ms by a host that is late by up to 20 ms.
    const time = new PartTime(0);
    let seed = 12345;
    const random = (): number => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return seed / 0x7fffffff;
    };
    let last = 0n;
    for (let poll = 1; poll <= 4 * 900; poll++) {
      const trueNs = BigInt(poll) * 250_000_000n;
      const ticks = Math.floor((Number(trueNs) / 25_000) * rate);
      const before = trueNs - BigInt(Math.round(random() * 1e6));
      const after = trueNs + BigInt(Math.round(random() * 20e6));
      time.observe(ticks >>> 0, before, after);
      for (let back = 20; back >= 0; back--) {
        const ns = time.hostNs((ticks - back * PERIOD) >>> 0);
        assert.ok(ns >= last && ns <= after);
        last = ns;
        const trueSampleNs = Number(trueNs) - (back * PERIOD * 25_000) / rate;
        assert.ok(
          Math.abs(Number(ns) - trueSampleNs) < 22e6,
          `poll ${poll}: off by ${Number(ns) - trueSampleNs} ns`,
        );
      }
    }
  });
}
