import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Driver,
  type DriverDefinition,
  HalError,
  halErrorKind,
  type I2cTwin,
  type Rows,
  type SerialTwin,
  type Twin,
  type TwinDefinition,
  type World,
} from '../../drivers/contract/index.js';
import type { AttachmentConfig } from '../../runtime/config/types.js';
import { checkRows } from './rows.js';

/** A driver opened over its twin, on a clock that the suite moves. */
export interface DriverFixture {
  readonly driver: Driver;
  readonly nowNs: () => bigint;
  /** Simulated time passes. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}
export type OpenDriver = (
  definition: DriverDefinition,
  twin: Twin,
  attachment: AttachmentConfig,
  world: (world: World) => World,
) => Promise<DriverFixture>;

/** A brown-out is found within so many samples. */
const SAMPLES_TO_FIND_BROWN_OUT = 10;
/** No configuration takes more transfers. */
const MAX_TRANSFERS = 200;

/** What every driver does over its twin. `cutStride`: each so-manieth transfer of configuring is cut off once; 1 is each. */
export function driverContract(
  definition: DriverDefinition,
  twins: TwinDefinition,
  open: OpenDriver,
  cutStride = 1,
): void {
  const suite = new Suite(definition, twins, open);
  suite.run('declares streams and channels that can be told apart', async ({ driver }) => {
    assert.ok(driver.streams.length > 0);
    for (const stream of driver.streams) {
      assert.match(stream.name, /^([a-z][a-z0-9-]{0,15})?$/);
      const names = stream.channels.map((channel) => channel.name);
      assert.equal(new Set(names).size, names.length);
      for (const name of names) assert.match(name, /^[a-z][A-Za-z0-9]{0,31}$/);
    }
    assert.ok(driver.sample ?? driver.stream, 'it is polled, or it speaks, or both');
    assert.equal(definition.interval !== undefined, driver.sample !== undefined);
  });
  suite.run('probing asks, and changes nothing: twice gives the same', async (fixture) => {
    const first = await suite.drive(fixture, fixture.driver.probe());
    assert.deepEqual(await suite.drive(fixture, fixture.driver.probe()), first);
    assert.notEqual(first.model, '');
  });
  if (definition.attachment === 'i2c') i2cSuite(suite, cutStride);
  if (definition.attachment === 'serial') serialSuite(suite);
  if (definition.interval) polledSuite(suite);
  if (!definition.interval || definition.attachment === 'gpio') speakingSuite(suite);
}

class Suite {
  constructor(
    readonly definition: DriverDefinition,
    readonly twins: TwinDefinition,
    private readonly open: OpenDriver,
  ) {}

  run(
    what: string,
    body: (fixture: DriverFixture, twin: Twin) => Promise<void>,
    wrap = (twin: Twin) => twin,
  ) {
    test(`${this.definition.id}: ${what}`, async () => {
      const twin = wrap(this.twins.create(() => 0.5));
      const fixture = await this.open(this.definition, twin, this.attachment(), busyWorld);
      try {
        await body(fixture, twin);
      } finally {
        await fixture.close();
      }
    });
  }

  /** Lets simulated time pass until a call is done; at most a simulated minute. */
  async drive<T>(fixture: DriverFixture, call: Promise<T>): Promise<T> {
    let done = false;
    const settled = call.finally(() => {
      done = true;
    });
    settled.catch(() => undefined); // it is awaited below
    for (let ms = 0; !done && ms < 60_000; ms += 10) await fixture.advance(10);
    assert.ok(done, `${this.definition.id} took more than a simulated minute`);
    return settled;
  }

  /** One interval passes, then a sample is taken and looked at. */
  async sample(fixture: DriverFixture): Promise<readonly Rows[]> {
    await fixture.advance(this.definition.interval!.defaultMs);
    const all = await this.drive(fixture, fixture.driver.sample!());
    for (const rows of all) checkRows(rows, fixture.driver.streams, fixture.nowNs());
    return all;
  }

  /** Samples until rows come: some parts have none at first. */
  async sampleRows(fixture: DriverFixture): Promise<readonly Rows[]> {
    for (let i = 0; i < 5; i++) {
      const rows = (await this.sample(fixture)).filter((some) => some.timesNs.length > 0);
      if (rows.length > 0) return rows;
    }
    assert.fail('no row in five samples');
  }

  private attachment(): AttachmentConfig {
    const { definition } = this;
    switch (definition.attachment) {
      case 'i2c':
        return { kind: 'i2c', bus: 'i2c-9', address: definition.addresses![0]! };
      case 'serial':
        return { kind: 'serial', port: 'twin', baud: definition.baud! };
      case 'gpio':
        return { kind: 'gpio', line: 'twin', activeLow: false, bias: 'asIs', debounceUs: 0 };
      case 'system':
        return { kind: 'system' };
    }
  }
}

/** Something happens all the time: a contact made for 1 s in every 3, and every 6 s another tag within reach. */
function busyWorld(world: World): World {
  const second = Number(world.timeNs / 1_000_000_000n);
  const serial = Math.floor(second / 6)
    .toString(16)
    .toUpperCase()
    .padStart(12, '0');
  const tags = [{ id: `E28011606000${serial}`, rssiDbm: -55 }];
  return { ...world, contactActive: second % 3 === 1, tags: second % 6 < 3 ? tags : [] };
}

function polledSuite(suite: Suite): void {
  suite.run('samples give rows of the declared shape', async (fixture) => {
    await suite.drive(fixture, fixture.driver.configure());
    let last = 0n;
    for (let i = 0; i < 5; i++) {
      for (const rows of await suite.sampleRows(fixture)) {
        const [first] = rows.timesNs;
        if (rows.stream !== fixture.driver.streams[0]!.name) continue;
        assert.ok(first! >= last, 'time goes back from one sample to the next');
        last = rows.timesNs[rows.timesNs.length - 1]!;
      }
    }
  });
  suite.run('configuring twice leaves it configured', async (fixture) => {
    await suite.drive(fixture, fixture.driver.configure());
    await suite.drive(fixture, fixture.driver.configure());
    await suite.sampleRows(fixture);
  });
}

function speakingSuite(suite: Suite): void {
  suite.run('rows of the declared shape come by themselves, until it is stopped', async (fixture) => {
    await suite.drive(fixture, fixture.driver.configure());
    const heard: Rows[] = [];
    const stop = await suite.drive(
      fixture,
      fixture.driver.stream!(
        (rows) => heard.push(rows),
        (error) => assert.fail(error),
      ),
    );
    await fixture.advance(15_000);
    assert.ok(heard.length > 0, 'no row in 15 s');
    for (const rows of heard) checkRows(rows, fixture.driver.streams, fixture.nowNs());
    await suite.drive(fixture, stop());
    const before = heard.length;
    await fixture.advance(5000);
    assert.equal(heard.length, before);
  });
}

function serialSuite(suite: Suite): void {
  suite.run('a line that goes away is told, and rows come again when it is back', async (fixture, made) => {
    const twin = made as SerialTwin;
    await suite.drive(fixture, fixture.driver.configure());
    const heard: Rows[] = [];
    const errors: Error[] = [];
    const stop = await suite.drive(
      fixture,
      fixture.driver.stream!(
        (rows) => heard.push(rows),
        (error) => errors.push(error),
      ),
    );
    await fixture.advance(10_000);
    assert.ok(heard.length > 0, 'no row before');
    twin.faults.unplugged = true;
    await fixture.advance(5000);
    const [first, ...later] = errors.map(halErrorKind);
    assert.equal(first, 'disconnected');
    assert.ok(
      !later.includes('disconnected'),
      'told once: what a port says later is why it cannot be opened again',
    );
    const before = heard.length;
    twin.faults.unplugged = false;
    await fixture.advance(15_000);
    assert.ok(heard.length > before, 'no row after');
    await suite.drive(fixture, stop());
  });
  suite.run('noise on the line never becomes a row of another shape', async (fixture, made) => {
    (made as SerialTwin).faults.noiseProbability = 0.02;
    await suite.drive(fixture, fixture.driver.configure());
    const none = () => undefined;
    const stop = await suite.drive(
      fixture,
      fixture.driver.stream!((rows) => checkRows(rows, fixture.driver.streams, fixture.nowNs()), none),
    );
    await fixture.advance(30_000);
    await suite.drive(fixture, stop());
  });
}

function i2cSuite(suite: Suite, cutStride: number): void {
  suite.run(
    'a part that refuses its address is noAcknowledge, and is as before afterwards',
    async (fixture, made) => {
      const { faults } = made as I2cTwin;
      const { driver } = fixture;
      const kind = async (call: Promise<unknown>) =>
        suite.drive(
          fixture,
          call.then(() => 'good', halErrorKind),
        );
      faults.noAcknowledgeProbability = 1;
      assert.equal(await kind(driver.probe()), 'noAcknowledge');
      assert.equal(await kind(driver.configure()), 'noAcknowledge');
      faults.noAcknowledgeProbability = 0;
      assert.equal(await kind(driver.configure()), 'good');
      await suite.sampleRows(fixture);
      faults.noAcknowledgeProbability = 1;
      assert.equal(await kind(driver.sample!()), 'noAcknowledge');
      faults.noAcknowledgeProbability = 0;
      await suite.sampleRows(fixture);
    },
  );
  suite.run('a brown-out is found, and configuring again mends it', async (fixture, made) => {
    await suite.drive(fixture, fixture.driver.configure());
    await suite.sampleRows(fixture);
    (made as I2cTwin).powerCycle();
    const kind = await firstFailure(suite, fixture);
    assert.equal(kind, 'lostConfiguration');
    await suite.drive(fixture, fixture.driver.configure());
    await suite.sampleRows(fixture);
  });
  const cut = { at: Number.POSITIVE_INFINITY, transfers: 0 };
  suite.run(
    'configuring that was cut off at any transfer can be done again',
    async (fixture) => {
      for (cut.at = 0; cut.at < MAX_TRANSFERS; cut.at += cutStride) {
        cut.transfers = 0;
        const done = await suite.drive(
          fixture,
          fixture.driver.configure().then(() => true, halErrorKind),
        );
        const reached = cut.transfers > cut.at;
        if (!reached) break;
        assert.ok(done === 'noAcknowledge' || done === true, `${done} at transfer ${cut.at}`);
        const at = cut.at;
        cut.at = Number.POSITIVE_INFINITY;
        await suite.drive(fixture, fixture.driver.configure());
        await suite.sampleRows(fixture);
        cut.at = at;
      }
      assert.ok(cut.at > 0 && cut.at < MAX_TRANSFERS, `${cut.at} transfers`);
    },
    (twin) => cutAt(twin as I2cTwin, cut),
  );
}

async function firstFailure(suite: Suite, fixture: DriverFixture) {
  for (let i = 0; i < SAMPLES_TO_FIND_BROWN_OUT; i++) {
    const kind = await suite.sample(fixture).then(() => undefined, halErrorKind);
    if (kind) return kind;
  }
  return undefined;
}

/** The same twin, refusing one transfer: that with the number `cut.at`. */
function cutAt(twin: I2cTwin, cut: { at: number; transfers: number }): I2cTwin {
  const count = () => {
    if (cut.transfers++ === cut.at) throw new HalError('noAcknowledge', 'twin', 'cut off');
  };
  return {
    attachment: 'i2c',
    faults: twin.faults,
    powerCycle: () => twin.powerCycle(),
    write(bytes, world) {
      count();
      twin.write(bytes, world);
    },
    read(length, world) {
      count();
      return twin.read(length, world);
    },
  };
}
