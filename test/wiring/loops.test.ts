import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GpioBias, type GpioLine, HalError } from '../../drivers/contract/index.js';
import { judgeWires } from '../../hil/wiring/loops.js';
import { measureWires, type WireLines } from '../../hil/wiring/measure.js';
import { wiringLine } from '../../runtime/board/index.js';

/** What a read line hangs on: lines that drive it (the last one that is driven wins), inverted or not, or a level that nothing moves. */
interface Net {
  readonly from?: readonly string[];
  readonly inverted?: boolean;
  readonly held?: 0 | 1;
}

/** A chip with wires between its lines, and a kernel that sets biases, or none. */
class Bench implements WireLines {
  readonly where = 'pinctrl-bcm2711';
  readonly #driven = new Map<string, 0 | 1>();
  /** How many lines were outputs at once, at most. */
  mostDriven = 0;

  constructor(
    private readonly nets: Readonly<Record<string, Net>>,
    private readonly biased = true,
  ) {}

  async open(name: string, direction: 'in' | 'out', bias: GpioBias): Promise<GpioLine> {
    if (!this.biased && bias !== 'asIs') throw new HalError('unsupported', name, 'no bias here');
    if (direction === 'out') this.#drive(name, 0);
    else this.#driven.delete(name); // an input drives nothing
    return {
      where: name,
      edgeTime: 'kernel',
      read: async () => this.#level(name, bias),
      write: async (level) => this.#drive(name, level),
      watch: () => assert.fail('nobody watches a wire'),
      close: async () => undefined, // as the kernel leaves it
    };
  }

  async delay(): Promise<void> {}

  #drive(name: string, level: 0 | 1): void {
    this.#driven.set(name, level);
    this.mostDriven = Math.max(this.mostDriven, this.#driven.size);
  }

  #level(name: string, bias: GpioBias): 0 | 1 {
    const { from = [], inverted = false, held } = this.nets[name] ?? {};
    if (held !== undefined) return held;
    const driver = from.find((line) => this.#driven.has(line));
    const level = driver === undefined ? (bias === 'pullUp' ? 1 : 0) : this.#driven.get(driver)!;
    return inverted ? (level === 0 ? 1 : 0) : level;
  }
}

const WIRES = [
  { drive: 'GPIO17', read: 'GPIO27' },
  { drive: 'GPIO22', read: 'GPIO23' },
  { drive: 'GPIO5', read: 'GPIO6' },
];
const RIGHT: Readonly<Record<string, Net>> = {
  GPIO27: { from: ['GPIO17'] },
  GPIO23: { from: ['GPIO22'] },
  GPIO6: { from: ['GPIO5'] },
};

async function linesOf(nets: Readonly<Record<string, Net>>, biased = true): Promise<readonly string[]> {
  const bench = new Bench({ ...RIGHT, ...nets }, biased);
  const lines = judgeWires(await measureWires(WIRES, bench)).map(wiringLine);
  assert.equal(bench.mostDriven, 1, 'two outputs never meet on a wire');
  return lines;
}

test('wires that are as the manifest says have no fault', async () => {
  assert.deepEqual(await linesOf({}), []);
});

test('8: two wires changed over', async () => {
  const nets = { GPIO27: { from: ['GPIO22'] }, GPIO23: { from: ['GPIO17'] } };
  assert.deepEqual(await linesOf(nets), [
    'GPIO17 to GPIO27, GPIO22 to GPIO23: pinctrl-bcm2711: expected GPIO27 following GPIO17, GPIO23 following GPIO22; found GPIO23 following GPIO17 and GPIO27 following GPIO22; change the wires at GPIO27 and GPIO23 over',
  ]);
});

test('8: three wires, each one pin further', async () => {
  const nets = { GPIO23: { from: ['GPIO17'] }, GPIO6: { from: ['GPIO22'] }, GPIO27: { from: ['GPIO5'] } };
  assert.deepEqual(await linesOf(nets), [
    "GPIO17 to GPIO27: pinctrl-bcm2711: expected GPIO27 following GPIO17; found GPIO23 following GPIO17; move the wire's end from GPIO23 to GPIO27",
    "GPIO22 to GPIO23: pinctrl-bcm2711: expected GPIO23 following GPIO22; found GPIO6 following GPIO22; move the wire's end from GPIO6 to GPIO23",
    "GPIO5 to GPIO6: pinctrl-bcm2711: expected GPIO6 following GPIO5; found GPIO27 following GPIO5; move the wire's end from GPIO27 to GPIO6",
  ]);
});

test('9: an open wire goes with its own bias', async () => {
  assert.deepEqual(await linesOf({ GPIO23: {} }), [
    'GPIO22 to GPIO23: pinctrl-bcm2711: expected GPIO23 following GPIO22; found GPIO23 going with its own pull-up and pull-down only; the wire is open: plug it in at both ends',
  ]);
});

test('9: without biases an open wire and a short look alike, and the line says so', async () => {
  assert.deepEqual(await linesOf({ GPIO23: {} }, false), [
    'GPIO22 to GPIO23: pinctrl-bcm2711: expected GPIO23 following GPIO22; found GPIO23 at 0 whatever GPIO22 is; plug the wire in at both ends, or look for a short',
  ]);
});

test('10: lines that are held', async () => {
  assert.deepEqual(await linesOf({ GPIO27: { held: 0 }, GPIO6: { held: 1 } }), [
    'GPIO17 to GPIO27: pinctrl-bcm2711: expected GPIO27 following GPIO17; found GPIO27 at 0 whatever GPIO17 is, with its pull-up and with its pull-down; look for a short to ground, for a part that drives it, or, on a chip without biases, for an open wire',
    'GPIO5 to GPIO6: pinctrl-bcm2711: expected GPIO6 following GPIO5; found GPIO6 at 1 whatever GPIO5 is, with its pull-up and with its pull-down; look for a short to the supply, for a part that drives it, or, on a chip without biases, for an open wire',
  ]);
});

test('10: an inverted line', async () => {
  assert.deepEqual(await linesOf({ GPIO6: { from: ['GPIO5'], inverted: true } }), [
    'GPIO5 to GPIO6: pinctrl-bcm2711: expected GPIO6 following GPIO5; found GPIO6 at 1 while GPIO5 is at 0, and the other way round; take out what inverts it, or write activeLow for the one that is',
  ]);
});

test('10: two wires that touch', async () => {
  const both = { from: ['GPIO17', 'GPIO22'] };
  assert.deepEqual(await linesOf({ GPIO27: both, GPIO23: both }), [
    'GPIO17 to GPIO27, GPIO22 to GPIO23: pinctrl-bcm2711: expected GPIO27 following GPIO17, GPIO23 following GPIO22; found GPIO27 and GPIO23 following GPIO17; look for a bridge between these wires',
  ]);
});
