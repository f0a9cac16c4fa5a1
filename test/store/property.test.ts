import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Store, type StoreOptions, verifyStore } from '../../runtime/store/index.js';
import { allGaps, heldRows, openTest, rowsOf, temporary, testDeps, testOptions } from './support.js';

const STREAMS = ['t', 'e', 'a', 'l'] as const;
const CLASSES = { t: 'telemetry', e: 'event', a: 'alarm', l: 'log' } as const;
type Name = (typeof STREAMS)[number];

type Action =
  | { readonly do: 'append'; readonly stream: Name; readonly rows: number }
  | { readonly do: 'flush' | 'crash' | 'restart' | 'publish' }
  | { readonly do: 'dispose'; readonly stream: Name; readonly every: number; readonly reject: boolean };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      stream: fc.constantFrom(...STREAMS),
      rows: fc.integer({ min: 1, max: 300 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('flush' as const, 'crash' as const, 'restart' as const, 'publish' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('dispose' as const),
      stream: fc.constantFrom(...STREAMS),
      every: fc.integer({ min: 1, max: 3 }),
      reject: fc.boolean(),
    }),
  },
);

/** The store under test with what a receiver and a witness outside the process would know. */
class Run {
  store!: Store;
  /** Sequences that were received, by stream. */
  readonly received = new Map<Name, Set<number>>(STREAMS.map((name) => [name, new Set()]));
  /** The ids of rows in the order of production, and how many of them are promised. */
  readonly produced = new Map<Name, number[]>(STREAMS.map((name) => [name, []]));
  #promised = new Map<number, Name>();
  #id = 0;
  #copies = 0;

  constructor(
    readonly root: string,
    readonly change: Partial<StoreOptions>,
  ) {}

  get options(): StoreOptions {
    return testOptions(join(this.root, String(this.#copies)), this.change);
  }

  async perform(step: Action): Promise<void> {
    if (step.do === 'append') this.#append(step.stream, step.rows);
    else if (step.do === 'flush') await this.#flush();
    else if (step.do === 'publish') await this.store.publishGaps();
    else if (step.do === 'dispose') await this.#dispose(step.stream, step.every, step.reject);
    else if (step.do === 'restart') {
      await this.store.close();
      this.store = await openTest(this.options);
    } else await this.#crash();
  }

  #append(stream: Name, count: number): void {
    const ids = Array.from({ length: count }, () => this.#id++);
    this.produced.get(stream)!.push(...ids);
    this.store.append(rowsOf(stream, ids));
  }

  async #flush(): Promise<void> {
    await this.store.flush();
    for (const [name, ids] of this.produced) for (const id of ids) this.#promised.set(id, name);
  }

  async #dispose(stream: Name, every: number, reject: boolean): Promise<void> {
    const blocks = await this.store.read(CLASSES[stream], undefined, 20, 1e6);
    const some = blocks.filter((_, i) => i % every === 0);
    this.store.dispose(
      some.map(({ position }) =>
        reject ? { position, kind: 'rejected', reason: 'test' } : { position, kind: 'receipt' },
      ),
    );
    for (const { header } of reject ? [] : some) {
      for (let n = 0; n < header.count; n += 1) this.received.get(stream)!.add(header.first + n);
    }
  }

  /** What the disk holds at this moment is opened elsewhere, as after kill -9. */
  async #crash(): Promise<void> {
    const dead = this.store;
    for (const [name, ids] of this.produced)
      this.produced.set(
        name,
        ids.filter((id) => this.#promised.has(id)),
      );
    const from = this.options.path;
    this.#copies += 1;
    await cp(from, this.options.path, { recursive: true });
    await dead.close();
    this.store = await openTest(this.options);
  }

  async check(): Promise<void> {
    await this.store.flush();
    const held = await heldRows(this.store);
    const gaps = await allGaps(this.store);
    const known = new Set(held.map((row) => row.count));
    for (const name of STREAMS) {
      const mine = held.filter((row) => row.stream === name);
      const sequences = mine.map((row) => row.sequence);
      assert.deepEqual(
        sequences,
        [...new Set(sequences)].toSorted((a, b) => a - b),
        `${name}: in order, once`,
      );
      const accounted = new Set([...sequences, ...this.received.get(name)!]);
      for (const gap of gaps.filter((one) => one.stream === name)) {
        for (let n = gap.first; n <= gap.last!; n += 1) accounted.add(n);
      }
      const { next } = this.store.status().streams.find((stream) => stream.stream === name)!;
      assert.equal(accounted.size, next, `${name}: received ∪ stored ∪ gaps = [0, next)`);
      assert.ok(
        [...accounted].every((n) => n < next),
        `${name}: nothing past next`,
      );
      const freed =
        this.received.get(name)!.size +
        gaps.filter((one) => one.stream === name && one.cause !== 'uncleanStop').length;
      if (freed === 0) {
        for (const [id, owner] of this.#promised)
          assert.ok(owner !== name || known.has(id), `${name}: id ${id} is lost`);
      }
    }
  }
}

async function holds(
  t: Parameters<typeof temporary>[0],
  change: Partial<StoreOptions>,
  steps: readonly Action[],
): Promise<void> {
  const run = new Run(temporary(t), change);
  run.store = await openTest(run.options);
  try {
    for (const step of steps) await run.perform(step);
    await run.check();
  } finally {
    await run.store.close();
  }
  const verdict = await verifyStore(run.options.path, testDeps());
  assert.deepEqual(verdict.problems, []);
}

for (const [title, change] of [
  ['with room', {}],
  ['over its quota', { sizeBytes: 24 * 1024 }],
  ['with little memory', { memoryBytes: 4000, commitIntervalMs: 100 }],
] as const) {
  test(`received ∪ stored ∪ gaps = [0, next) under any sequence of actions, ${title}`, async (t) => {
    const seed = Number(process.env.CAIRN_SEED ?? Date.now() % 1e9);
    t.diagnostic(`CAIRN_SEED=${seed}`);
    const property = fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 16 }), (steps) =>
      holds(t, change, steps),
    );
    await fc.assert(property, { seed, numRuns: 25, includeErrorInReport: true });
  });
}
