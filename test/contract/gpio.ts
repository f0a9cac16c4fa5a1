import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type GpioEdges,
  type GpioLine,
  type GpioLineOptions,
  halErrorKind,
} from '../../drivers/contract/index.js';

/** A line with something on its other end that the test moves. */
export interface GpioFixture {
  readonly line: GpioLine;
  /** Drives an input from outside, to a physical level. */
  drive(level: 0 | 1): Promise<void>;
  /** The physical level that an output has outside. */
  outside(): Promise<0 | 1>;
  /** Until everything that happened has been told. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

const INPUT: GpioLineOptions = { direction: 'in', activeLow: false, bias: 'asIs', debounceUs: 0 };

/** What every GpioLine does, whatever is behind it. The line starts at physical level 0. */
export function gpioContract(name: string, make: (options: GpioLineOptions) => Promise<GpioFixture>): void {
  const run = (
    what: string,
    options: Partial<GpioLineOptions>,
    body: (fixture: GpioFixture) => Promise<void>,
  ) =>
    test(`${name}: ${what}`, async () => {
      const fixture = await make({ ...INPUT, ...options });
      try {
        await body(fixture);
      } finally {
        await fixture.close();
      }
    });

  run('an input reads what is outside', {}, async ({ line, drive }) => {
    assert.equal(await line.read(), 0);
    await drive(1);
    assert.equal(await line.read(), 1);
    await assert.rejects(line.write(1), { kind: 'unsupported' });
  });

  run('active low turns levels and edges round', { activeLow: true }, async (fixture) => {
    const { line, drive } = fixture;
    assert.equal(await line.read(), 1);
    const edges = await edgesOf(fixture, async () => {
      await drive(1);
      await fixture.settle();
      await drive(0);
    });
    assert.deepEqual(edges.rising, [0, 1]);
    assert.equal(await line.read(), 1);
  });

  run(
    'an output drives what is outside, and has no edges',
    { direction: 'out' },
    async ({ line, outside }) => {
      await line.write(1);
      assert.equal(await outside(), 1);
      assert.equal(await line.read(), 1);
      await line.write(0);
      assert.equal(await outside(), 0);
      assert.equal(
        await line
          .watch(
            () => undefined,
            () => undefined,
          )
          .catch(halErrorKind),
        'unsupported',
      );
    },
  );

  run('edges come in order, alternate, and their times do not decrease', {}, async (fixture) => {
    const edges = await edgesOf(fixture, async () => {
      for (const level of [1, 0, 1, 0, 1] as const) {
        await fixture.drive(level);
        await fixture.settle();
      }
    });
    assert.deepEqual(edges.rising, [1, 0, 1, 0, 1]);
    assert.ok(edges.timesNs.every((timeNs, i) => i === 0 || timeNs >= edges.timesNs[i - 1]!));
    assert.equal(edges.lost, 0);
  });

  run('edges from before anybody watched are not told; after stopping, none are', {}, async (fixture) => {
    const { drive, settle } = fixture;
    await drive(1);
    await settle();
    const edges = await edgesOf(fixture, async () => undefined);
    assert.deepEqual(edges.rising, []);
    await drive(0);
    await settle();
    assert.deepEqual(edges.rising, []);
  });

  run('one listener a line; its stop stops no later one', {}, async (fixture) => {
    const { line } = fixture;
    const none = () => undefined;
    const stop = await line.watch(() => assert.fail('stopped'), none);
    await assert.rejects(line.watch(none, none), { kind: 'busy' });
    await stop();
    const edges = await edgesOf(fixture, async () => {
      await stop();
      await fixture.drive(1);
    });
    assert.deepEqual(edges.rising, [1]);
    assert.equal(await line.read(), 1);
  });

  run('a closed line does nothing more; closing twice is harmless', {}, async ({ line }) => {
    await line.close();
    await line.close();
    assert.equal(await line.read().catch(halErrorKind), 'invalid');
  });
}

async function edgesOf(fixture: GpioFixture, act: () => Promise<void>) {
  const told = { timesNs: [] as bigint[], rising: [] as number[], lost: 0 };
  const take = (edges: GpioEdges) => {
    told.timesNs.push(...edges.timesNs);
    told.rising.push(...edges.rising);
    told.lost += edges.lost;
  };
  const stop = await fixture.line.watch(take, (error) => assert.fail(error));
  await act();
  await fixture.settle();
  await stop();
  return told;
}
