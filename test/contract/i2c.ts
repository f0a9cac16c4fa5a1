import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { HalError, type HalErrorKind, halErrorKind, type I2cBus } from '../../drivers/contract/index.js';

/** A bus with one part on it that is a plain memory: written by `register, bytes…`, read from the last register on. */
export interface I2cFixture {
  readonly bus: I2cBus;
  readonly present: number;
  /** Nobody is there. */
  readonly absent: number;
  /** What one transfer may take at most. */
  readonly timeoutMs: number;
  /** The part holds the clock for so long in each transfer; 0: not at all. Absent where a fixture can't. */
  readonly stretch?: (ms: number) => Promise<void>;
  close(): Promise<void>;
}

async function kindOf(call: Promise<unknown>): Promise<HalErrorKind | 'good'> {
  return call.then(() => 'good' as const, halErrorKind);
}

/** What every I2cBus does, whatever is behind it. */
export function i2cContract(name: string, make: () => Promise<I2cFixture>): void {
  const run = (what: string, body: (fixture: I2cFixture, t: TestContext) => Promise<void>) =>
    test(`${name}: ${what}`, async (t) => {
      const fixture = await make();
      try {
        await body(fixture, t);
      } finally {
        await fixture.close();
      }
    });

  run('registers written are the registers read', async ({ bus, present }) => {
    const bytes = Uint8Array.from({ length: 31 }, (_, i) => 200 - i);
    await bus.writeRegisters(present, 0x10, bytes);
    assert.deepEqual(await bus.readRegisters(present, 0x10, 31), bytes);
    assert.deepEqual(await bus.readRegisters(present, 0x12, 1), bytes.slice(2, 3));
    assert.equal((await bus.readRegisters(present, 0, 32)).length, 32);
  });

  run('plain writes and reads go on from the register that was written', async ({ bus, present }) => {
    await bus.write(present, Uint8Array.of(0x20, 1, 2, 3));
    await bus.write(present, Uint8Array.of(0x20));
    assert.deepEqual(await bus.read(present, 2), Uint8Array.of(1, 2));
    assert.deepEqual(await bus.read(present, 1), Uint8Array.of(3));
  });

  run('bytes read belong to the reader', async ({ bus, present }) => {
    await bus.writeRegisters(present, 1, Uint8Array.of(5));
    const first = await bus.readRegisters(present, 1, 1);
    first[0] = 99;
    assert.deepEqual(await bus.readRegisters(present, 1, 1), Uint8Array.of(5));
  });

  run('nobody there is noAcknowledge, and names bus and address', async ({ bus, absent, present }) => {
    const error = await bus.readRegisters(absent, 0, 1).then(
      () => assert.fail('no error'),
      (e) => e,
    );
    assert.ok(error instanceof HalError);
    assert.equal(error.kind, 'noAcknowledge');
    assert.equal(error.where, `${bus.name} 0x${absent.toString(16).padStart(2, '0')}`);
    assert.equal(await kindOf(bus.write(absent, Uint8Array.of(0))), 'noAcknowledge');
    assert.equal(await kindOf(bus.readRegisters(present, 0, 1)), 'good');
  });

  run('what no transfer can be is invalid before it reaches the bus', async ({ bus, present }) => {
    const bad = [
      bus.read(present, 0),
      bus.read(present, 33),
      bus.read(present, 1.5),
      bus.write(present, new Uint8Array(0)),
      bus.write(present, new Uint8Array(33)),
      bus.readRegisters(present, 256, 1),
      bus.readRegisters(present, -1, 1),
      bus.readRegisters(present, 0, 33),
      bus.writeRegisters(present, 0, new Uint8Array(32)),
    ];
    for (const call of bad) assert.equal(await kindOf(call), 'invalid');
  });

  run('transfers run one at a time in the order of the calls', async ({ bus, present }) => {
    const calls: Promise<unknown>[] = [];
    const read: number[] = [];
    for (let i = 0; i < 20; i++) {
      calls.push(bus.writeRegisters(present, 0x30, Uint8Array.of(i)));
      calls.push(bus.readRegisters(present, 0x30, 1).then((bytes) => read.push(bytes[0]!)));
    }
    await Promise.all(calls);
    assert.deepEqual(
      read,
      Array.from({ length: 20 }, (_, i) => i),
    );
  });

  run(
    'more than 64 waiting transfers are refused as busy, and the rest are done',
    async ({ bus, present }) => {
      const kinds = await Promise.all(
        Array.from({ length: 100 }, () => kindOf(bus.readRegisters(present, 0, 1))),
      );
      assert.equal(kinds.filter((kind) => kind === 'good').length, 64);
      assert.equal(kinds.filter((kind) => kind === 'busy').length, 36);
      assert.equal(await kindOf(bus.readRegisters(present, 0, 1)), 'good');
    },
  );

  run(
    'a part that holds the clock times out in time; others fail at once until it lets go',
    async (fixture, t) => {
      const { bus, present, timeoutMs, stretch } = fixture;
      if (!stretch) return t.skip('nothing holds the clock here');
      await stretch(timeoutMs * 10);
      const startMs = performance.now();
      assert.equal(await kindOf(bus.readRegisters(present, 0, 1)), 'timeout');
      const firstMs = performance.now() - startMs;
      assert.ok(firstMs >= timeoutMs - 2 && firstMs < timeoutMs * 5, `timed out after ${firstMs} ms`);
      assert.equal(await kindOf(bus.readRegisters(present, 0, 1)), 'timeout');
      assert.ok(performance.now() - startMs - firstMs < timeoutMs, 'the second call waited');
      await stretch(0);
      await new Promise((resolve) => setTimeout(resolve, timeoutMs * 11));
      assert.equal(await kindOf(bus.readRegisters(present, 0, 1)), 'good');
    },
  );

  run('a closed bus does nothing more; closing twice is harmless', async ({ bus, present }) => {
    const before = kindOf(bus.readRegisters(present, 0, 1)); // it may end while the bus is being closed
    await bus.close();
    await bus.close();
    assert.notEqual(await before, 'io');
    assert.notEqual(await kindOf(bus.readRegisters(present, 0, 1)), 'good');
  });
}
