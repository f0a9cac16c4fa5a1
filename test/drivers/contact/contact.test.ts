import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { contact } from '../../../drivers/contact/driver.js';
import { MAX_ROWS_PER_S } from '../../../drivers/contact/registers.js';
import { contactTwin } from '../../../drivers/contact/twin.js';
import type { GpioEdges, GpioLine, Rows } from '../../../drivers/contract/index.js';
import { FakeClock, world } from '../twin-bus.js';

const MS = 1_000_000n;
const S = 1000n * MS;

class TestLine implements GpioLine {
  readonly where = 'gpiochip-test 17';
  readonly edgeTime = 'kernel';
  level: 0 | 1 = 0;
  #onEdges: ((edges: GpioEdges) => void) | undefined;

  async read(): Promise<0 | 1> {
    return this.level;
  }
  async write(): Promise<void> {}
  async watch(onEdges: (edges: GpioEdges) => void): Promise<() => Promise<void>> {
    this.#onEdges = onEdges;
    return async () => {
      this.#onEdges = undefined;
    };
  }
  async close(): Promise<void> {}

  /** Edges to the given levels at the given times; the line ends at the last. */
  edges(list: readonly (readonly [timeNs: bigint, level: 0 | 1])[], lost = 0): void {
    this.level = list.at(-1)?.[1] ?? this.level;
    this.#onEdges?.({
      timesNs: BigInt64Array.from(list, ([timeNs]) => timeNs),
      rising: Uint8Array.from(list, ([, level]) => level),
      lost,
    });
  }
}

async function start(options: Record<string, unknown>, level: 0 | 1 = 0) {
  const line = new TestLine();
  line.level = level;
  const clock = new FakeClock();
  const t0 = clock.timeNs;
  const driver = contact.create({ line, clock }, v.parse(contact.options, options));
  const rows: Rows[] = [];
  await driver.configure();
  const stop = await driver.stream!(
    (row) => rows.push(row),
    (error) => assert.fail(error),
  );
  /** Reads at `ns` after the start. */
  const sample = async (ns: bigint) => {
    clock.timeNs = t0 + ns;
    rows.push(...(await driver.sample!()));
  };
  /** Each row as [ms after the start, values]. */
  const told = () => rows.map((row) => [Number((row.timesNs[0]! - t0) / MS), ...row.values]);
  return { line, driver, rows, stop, sample, told, t0 };
}

test('a door: its state at the start, then a row an edge, with the edge’s own time', async () => {
  const { line, told, t0, driver, stop } = await start({ role: 'reed' });
  assert.equal(driver.streams[0]!.class, 'event');
  line.edges([
    [t0 + 1500n * MS, 1],
    [t0 + 1700n * MS, 0],
  ]);
  await stop();
  line.edges([[t0 + 1800n * MS, 1]]);
  assert.deepEqual(told(), [
    [0, 0, 0, 0],
    [1500, 1, 1, 0],
    [1700, 0, 1, 0],
  ]);
});

test('an SOS is an alarm, told on the press, and at the start where it is pressed already', async () => {
  const pressed = await start({ role: 'sos' }, 1);
  assert.equal(pressed.driver.streams[0]!.class, 'alarm');
  assert.deepEqual(pressed.told(), [[0, 1, 0, 0]]);
  const resting = await start({ role: 'sos' });
  assert.deepEqual(resting.told(), []);
  resting.line.edges([[resting.t0 + 5n * MS, 1]]);
  assert.deepEqual(resting.told(), [[5, 1, 1, 0]]);
});

test('with a hold, the alarm comes while the button is still held; a brush of it is none', async () => {
  const { line, told, sample, t0 } = await start({ role: 'sos', hold: '3s' });
  line.edges([
    [t0 + 1n * S, 1],
    [t0 + 2n * S, 0],
  ]);
  await sample(3n * S);
  assert.deepEqual(told(), []);
  line.edges([[t0 + 4n * S, 1]]);
  await sample(6n * S);
  assert.deepEqual(told(), []);
  await sample(7n * S);
  assert.deepEqual(told(), [[4000, 1, 3, 0]], 'the time is the press’s');
  line.edges([[t0 + 8n * S, 0]]);
  assert.deepEqual(told().at(-1), [8000, 0, 1, 0]);
});

test('a press longer than the hold is told by its release where nobody sampled meanwhile', async () => {
  const { line, told, t0 } = await start({ role: 'sos', hold: '1s' });
  line.edges([
    [t0 + 1n * S, 1],
    [t0 + 3n * S, 0],
  ]);
  assert.deepEqual(told(), [
    [1000, 1, 1, 0],
    [3000, 0, 1, 0],
  ]);
});

test('50,000 edges/s: at most 20 rows a second, and no edge uncounted', async () => {
  const { line, rows, told, sample, t0 } = await start({ role: 'contact' });
  const twin = contactTwin.create(() => 0.5);
  if (twin.attachment !== 'gpio') assert.fail('the twin hangs on a GPIO line');
  twin.changes(world(t0));
  twin.faults.chatterHz = 50_000;
  let level: 0 | 1 = 0;
  let edges = 0;
  const began = performance.now();
  for (let ns = 10n * MS; ns <= 3n * S; ns += 10n * MS) {
    const list = [...twin.changes(world(t0 + ns)).timesNs].map((timeNs) => {
      level = level === 0 ? 1 : 0;
      return [timeNs, level] as const;
    });
    edges += list.length;
    line.edges(list);
  }
  const spentMs = performance.now() - began;
  twin.faults.chatterHz = 0;
  await sample(5n * S);
  assert.equal(edges, 150_000);
  assert.ok(rows.length <= 1 + 4 * MAX_ROWS_PER_S, `${rows.length} rows`);
  assert.equal(
    told().reduce((sum, [, , count]) => sum + count!, 0),
    150_000,
  );
  assert.equal(told().at(-1)![1], level, 'the last row is the level that it ended with');
  assert.ok(rows.every((row, i) => i === 0 || rows[i - 1]!.timesNs[0]! <= row.timesNs[0]!));
  assert.ok(spentMs < 1500, `3 s of flood took ${spentMs.toFixed(0)} ms`);
});

test('edges that the kernel lost are counted, and a level that they hid is found', async () => {
  const { line, told, sample, t0 } = await start({ role: 'contact' });
  line.edges([[t0 + 1n * S, 1]], 7);
  assert.deepEqual(told().at(-1), [1000, 1, 1, 7]);
  line.level = 0; // an edge that never came
  await sample(2n * S);
  assert.equal(told().length, 2, 'once may be an edge on its way');
  await sample(3n * S);
  assert.deepEqual(told().at(-1), [3000, 0, 0, 1]);
  line.edges([[t0 + 2500n * MS, 1]]); // it did come, late
  assert.deepEqual(told().at(-1), [3000, 1, 1, 0], 'time doesn’t run back');
});

test('lost edges are told even where the level is back where it was', async () => {
  const { line, told, sample } = await start({ role: 'sos', hold: '2s' });
  line.edges([], 4);
  await sample(1n * S);
  assert.deepEqual(told(), [[0, 0, 0, 4]]);
  await sample(2n * S);
  assert.equal(told().length, 1);
});

test('a flood never makes an alarm of a press that was too short', async () => {
  const { line, told, t0, sample } = await start({ role: 'sos', hold: '1s' });
  for (let i = 0n; i < 100n; i++) line.edges([[t0 + i * 50n * MS, i % 2n === 0n ? 1 : 0]], 1);
  await sample(9n * S);
  assert.ok(told().every(([, state]) => state === 0));
});

test('a reading that overtakes an edge changes nothing', async () => {
  const { line, told, sample, t0 } = await start({ role: 'contact' });
  line.level = 1;
  await sample(1n * S);
  line.edges([[t0 + 999n * MS, 1]]);
  await sample(2n * S);
  await sample(3n * S);
  assert.deepEqual(told(), [
    [0, 0, 0, 0],
    [999, 1, 1, 0],
  ]);
});

test('a counter counts pulses and gives their frequency', async () => {
  const { line, told, sample, t0, driver } = await start({ role: 'counter' });
  assert.equal(driver.streams[0]!.class, 'telemetry');
  const pulses = (from: bigint, count: number) =>
    Array.from({ length: count * 2 }, (_, i) => [from + BigInt(i) * MS, i % 2 === 0 ? 1 : 0] as const);
  line.edges(pulses(t0, 50));
  await sample(10n * S);
  line.edges(pulses(t0 + 11n * S, 5), 3);
  await sample(12n * S);
  await sample(14n * S);
  assert.deepEqual(told(), [
    [10_000, 50, 10, 5, 50, 0],
    [12_000, 5, 2, 2.5, 55, 3],
    [14_000, 0, 2, 0, 55, 0],
  ]);
});

test('unwatched, a sample is the level now; a counter counts nothing and says so', async () => {
  const line = new TestLine();
  line.level = 1;
  const once = async (options: Record<string, unknown>) => {
    const driver = contact.create({ line, clock: new FakeClock() }, v.parse(contact.options, options));
    return [...(await driver.sample!())[0]!.values];
  };
  assert.deepEqual(await once({ role: 'button' }), [1, 0, 0]);
  assert.ok((await once({ role: 'counter' })).every(Number.isNaN));
});

test('any edges: no row says what the line never did, none is lost in the count', async () => {
  const step = fc.tuple(fc.integer({ min: 0, max: 400 }), fc.constantFrom(0 as const, 1 as const), fc.nat(2));
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 200 }),
      fc.constantFrom('0s', '100ms'),
      async (steps, hold) => {
        const { line, told, sample, t0 } = await start({ role: 'button', hold });
        let at = 0n;
        let lost = 0;
        for (const [ms, level, missing] of steps) {
          at += BigInt(ms) * MS;
          lost += missing;
          line.edges([[t0 + at, level]], missing);
        }
        for (let i = 0n; i < 4n; i++) await sample(at + (2n + i) * S);
        line.edges([[t0 + at + 10n * S, line.level === 1 ? 0 : 1]]);
        await sample(at + 20n * S);
        const rows = told();
        assert.equal(rows.at(-1)![1], line.level);
        assert.equal(
          rows.reduce((sum, row) => sum + row[2]!, 0),
          steps.length + 1,
        );
        assert.equal(
          rows.reduce((sum, row) => sum + row[3]!, 0),
          lost,
        );
      },
    ),
    { numRuns: 200 },
  );
});

test('the twin is a contact to ground, and comes to rest after chatter', () => {
  const twin = contactTwin.create(() => 0.5);
  if (twin.attachment !== 'gpio') assert.fail('the twin hangs on a GPIO line');
  let level = twin.changes(world(0n)).level;
  assert.equal(level, 1, 'the pull-up');
  const toggle = (ns: bigint, contactActive: boolean) => {
    const changes = twin.changes(world(ns, { contactActive }));
    if (changes.timesNs.length % 2 === 1) level = level === 0 ? 1 : 0;
    assert.equal(level, changes.level, 'each change toggles');
    return changes.timesNs.length;
  };
  assert.equal(toggle(1n * S, true), 1);
  assert.equal(level, 0);
  twin.faults.chatterHz = 7;
  assert.equal(toggle(2n * S, true), 7);
  twin.faults.chatterHz = 0;
  toggle(3n * S, true);
  assert.equal(level, 0);
  assert.equal(toggle(4n * S, true), 0);
});
