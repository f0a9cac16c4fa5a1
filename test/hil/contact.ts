import assert from 'node:assert/strict';
import type { GpioTwin } from '../../drivers/contract/index.js';
import type { NativeApi } from '../../native/api.js';
import { openBoardWith } from '../../runtime/board/board.js';
import { createWorld, registry } from '../../runtime/board/index.js';
import type { RuntimeClock } from '../../runtime/clock/types.js';
import { nodeConfig, partConfig, realClock, testDeps } from '../board/fixture.js';
import { driverContract, type OpenDriver } from '../contract/driver.js';
import { native, needs, rig, sleep } from './rig.js';

needs('lines.SOS', 'sysfsGpio');

const STEP_MS = 500;
/** Long for an edge to be told where every instruction is translated: the driver is asked only after it. */
const EDGE_MS = 60;
const LINE = 'twin';

/** The machine's own boot time, of which the suite skips what nobody waits for: what the kernel stamps is moved by as much. */
class SkippingClock implements RuntimeClock {
  #skippedNs = 0n;

  nowNs(): bigint {
    return native.bootTimeNs() + this.#skippedNs;
  }
  after = realClock.after;
  delay = realClock.delay;

  skip(ms: number): void {
    this.#skippedNs += BigInt(ms) * 1_000_000n;
  }

  /** To where the busy world of the suite begins a second without a contact. */
  skipToQuiet(): void {
    const ms = Number(this.nowNs() / 1_000_000n) % 3000;
    this.skip((5000 - ms) % 3000);
  }

  /** The add-on, whose edges come at this clock's time. */
  readonly native: NativeApi = {
    ...native,
    gpioOpen: (path, request, onEdges, onError) =>
      native.gpioOpen(
        path,
        request,
        onEdges &&
          ((timesNs, rising, lost) =>
            onEdges(
              timesNs.map((timeNs) => timeNs + this.#skippedNs),
              rising,
              lost,
            )),
        onError,
      ),
  };
}

/** The real driver on a line of the real kernel; its twin moves the other side of the line. */
function openOn(gpioBackend: 'cdev' | 'onoff'): OpenDriver {
  return async (definition, made, attachment, change) => {
    const twin = made as GpioTwin;
    const clock = new SkippingClock();
    const worldAt = createWorld(1, 1_750_000_000_000_000_000n);
    const { config: line, outside } = rig.line('SOS');
    const follow = (): boolean => {
      const { timesNs, level } = twin.changes(change(worldAt(clock.nowNs())));
      outside.drive(level);
      return timesNs.length > 0;
    };
    clock.skipToQuiet();
    follow();
    const config = nodeConfig([partConfig('part', definition, attachment)], {
      kind: 'linux',
      gpio: { [LINE]: line },
      gpioBackend,
    });
    const deps = testDeps({ clock, native: clock.native });
    const board = await openBoardWith(config, { drivers: [definition], twins: [] }, deps);
    assert.deepEqual(board.missing, []);
    return {
      driver: board.parts[0]!.driver,
      nowNs: () => clock.nowNs(),
      async advance(ms) {
        await sleep(1);
        for (let leftMs = ms; leftMs > 0; leftMs -= STEP_MS) {
          clock.skip(Math.min(STEP_MS, leftMs));
          if (follow()) await sleep(EDGE_MS);
        }
      },
      close: () => board.close(),
    };
  };
}

const definition = registry.drivers.find(({ id }) => id === 'contact')!;
const twin = registry.twins.find(({ id }) => id === 'contact')!;
for (const backend of ['cdev', 'onoff'] as const) {
  driverContract({ ...definition, id: `contact by ${backend}` }, twin, openOn(backend));
}
