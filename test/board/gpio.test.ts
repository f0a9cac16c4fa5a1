import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { GpioEdges, GpioLine, GpioLineOptions, GpioTwin, World } from '../../drivers/contract/index.js';
import { afterBy } from '../../runtime/board/deps.js';
import { EdgeMaker, MAX_EDGES_PER_POLL, TwinGpioLine } from '../../runtime/board/twin-gpio.js';
import { createWorld } from '../../runtime/board/world.js';
import { gpioContract } from '../contract/gpio.js';
import { SimClock } from '../support/sim-clock.js';

const INPUT: GpioLineOptions = { direction: 'in', activeLow: false, bias: 'asIs', debounceUs: 0 };
const NOT_CALLED = () => assert.fail('no error is expected');

/** A wire that the test moves by hand. */
class Wire implements GpioTwin {
  readonly attachment = 'gpio';
  readonly faults = { chatterHz: 0 };
  level: 0 | 1 = 0;
  times: bigint[] = [];

  changes() {
    const timesNs = BigInt64Array.from(this.times);
    this.times = [];
    return { timesNs, level: this.level };
  }

  driven(level: 0 | 1): void {
    this.level = level;
  }

  set(level: 0 | 1, timeNs: bigint): void {
    if (level !== this.level) this.times.push(timeNs);
    this.level = level;
  }
}

/** A square wave of so many edges a second, from time 0. */
class SquareWave implements GpioTwin {
  readonly attachment = 'gpio';
  readonly faults = { chatterHz: 0 };
  made = 0;
  constructor(
    private readonly edgesHz: number,
    private readonly startNs: bigint,
  ) {}

  changes(world: World) {
    const due = Math.floor((Number(world.timeNs - this.startNs) * this.edgesHz) / 1e9);
    const periodNs = BigInt(Math.round(1e9 / this.edgesHz));
    const timesNs = BigInt64Array.from(
      { length: due - this.made },
      (_, i) => this.startNs + BigInt(this.made + i + 1) * periodNs,
    );
    this.made = due;
    return { timesNs, level: (due % 2) as 0 | 1 };
  }

  driven(): void {
    assert.fail('nobody drives this line');
  }
}

function bench(twin: GpioTwin, options: GpioLineOptions = INPUT, clock = new SimClock()) {
  const worldAt = createWorld(1, 0n);
  const log: string[] = [];
  const setup = { after: afterBy(clock), log: (_: unknown, text: string) => log.push(text) };
  const line: GpioLine = new TwinGpioLine('twin sos', twin, options, () => worldAt(clock.nowNs()), setup);
  return { clock, line, log };
}

gpioContract('twin line', async (options) => {
  const wire = new Wire();
  const { clock, line } = bench(wire, options);
  return {
    line,
    drive: async (level) => wire.set(level, clock.nowNs()),
    outside: async () => wire.level,
    settle: () => clock.advance(20),
    close: () => line.close(),
  };
});

test('50,000 edges a second come through a twin line, each of them', async () => {
  const clock = new SimClock();
  const wave = new SquareWave(50_000, clock.nowNs());
  const { line } = bench(wave, INPUT, clock);
  const runs: GpioEdges[] = [];
  const stop = await line.watch((edges) => runs.push(edges), NOT_CALLED);
  await clock.advance(1000);
  await stop();
  const kept = runs.reduce((sum, edges) => sum + edges.timesNs.length, 0);
  assert.equal(kept, 50_000);
  assert.equal(
    runs.reduce((sum, edges) => sum + edges.lost, 0),
    0,
  );
  assert.ok(runs.every((edges) => edges.timesNs.length <= MAX_EDGES_PER_POLL));
  const levels = runs.flatMap((edges) => [...edges.rising]);
  assert.ok(levels.every((level, i) => level === (i % 2 === 0 ? 1 : 0)));
});

test('when the loop comes late, the newest 1024 are kept and every other edge is counted lost', async () => {
  const clock = new SimClock();
  const wave = new SquareWave(50_000, clock.nowNs());
  const { line } = bench(wave, INPUT, clock);
  const runs: GpioEdges[] = [];
  const stop = await line.watch((edges) => runs.push(edges), NOT_CALLED);
  const startNs = clock.nowNs();
  clock.skip(100); // 5,000 edges before anybody looks
  await clock.advance(0);
  await stop();
  const edges = runs[0]!;
  assert.equal(runs.length, 1);
  assert.equal(edges.timesNs.length, 1024);
  assert.equal(edges.lost, 5000 - 1024);
  assert.equal(edges.timesNs[1023], startNs + 5000n * 20_000n);
  assert.equal(edges.rising[1023], 0, 'the 5,000th edge falls');
  assert.equal(edges.timesNs[0], startNs + (5000n - 1023n) * 20_000n);
});

test('a level that does not hold for the debounce time makes no edge; one that does is timed when it has held', () => {
  const maker = new EdgeMaker(0, 1000); // 1 ms
  const us = (...times: number[]) => BigInt64Array.from(times.map((time) => BigInt(time) * 1000n));
  // A contact that bounces at 100, 300, 500 µs and then stays; released at 5,000 with one bounce.
  const first = maker.take(us(100, 300, 500), 1_000_000n, false);
  assert.equal(first.timesNs.length, 0);
  assert.equal(maker.level, 0);
  const second = maker.take(us(), 1_600_000n, false);
  assert.deepEqual([...second.timesNs], [1_500_000n]);
  assert.deepEqual([...second.rising], [1]);
  const third = maker.take(us(5000, 5200, 5400), 9_000_000n, false);
  assert.deepEqual([...third.timesNs], [6_400_000n]);
  assert.deepEqual([...third.rising], [0]);
});

/** The same by the definition: a change counts if the level then holds for the debounce time. */
function debounced(timesNs: readonly bigint[], untilNs: bigint, holdNs: bigint): [bigint, number][] {
  const edges: [bigint, number][] = [];
  let stable = 0;
  timesNs.forEach((timeNs, i) => {
    const level = (i + 1) % 2;
    if (level === stable || (timesNs[i + 1] ?? untilNs) - timeNs < holdNs) return;
    stable = level;
    edges.push([timeNs + holdNs, level]);
  });
  return edges;
}

test('however the changes are split into polls, the edges are those of the definition', () => {
  const seed = Date.now() % 2 ** 31;
  console.log(`seed ${seed}`);
  const waits = fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 60 });
  const holds = fc.constantFrom(0, 1, 500, 1500);
  const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(waits, holds, cuts, fc.integer({ min: 0, max: 3000 }), (gapsUs, holdUs, pieces, tailUs) => {
      let timeUs = 0;
      const times = gapsUs.map((gapUs) => {
        timeUs += gapUs;
        return BigInt(timeUs) * 1000n;
      });
      const untilNs = BigInt(timeUs + tailUs) * 1000n;
      const maker = new EdgeMaker(0, holdUs);
      const told: [bigint, number][] = [];
      for (let at = 0, i = 0; at < times.length; i++) {
        const piece = times.slice(at, at + pieces[i % pieces.length]!);
        at += piece.length;
        const nowNs = at < times.length ? piece.at(-1)! : untilNs;
        const edges = maker.take(BigInt64Array.from(piece), nowNs, false);
        edges.timesNs.forEach((timeNs, k) => {
          told.push([timeNs, edges.rising[k]!]);
        });
      }
      assert.deepEqual(told, debounced(times, untilNs, BigInt(holdUs) * 1000n));
    }),
    { seed, numRuns: 500 },
  );
});

test('a listener that throws is logged; the line goes on', async () => {
  const wire = new Wire();
  const { clock, line, log } = bench(wire);
  let told = 0;
  await line.watch(() => {
    told++;
    throw new Error('the listener broke');
  }, NOT_CALLED);
  wire.set(1, clock.nowNs());
  await clock.advance(20);
  wire.set(0, clock.nowNs());
  await clock.advance(20);
  assert.equal(told, 2);
  assert.match(log.join(), /twin sos: the listener failed: the listener broke/);
  await line.close();
  assert.equal(clock.timers, 0, 'a closed line leaves no timer');
});
