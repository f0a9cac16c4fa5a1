import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import type { SerialPort as NpmSerialPort } from 'serialport';
import type { SerialTwin, World } from '../../drivers/contract/index.js';
import { openBoardWith } from '../../runtime/board/board.js';
import { createWorld, registry } from '../../runtime/board/index.js';
import { nodeConfig, partConfig, testDeps } from '../board/fixture.js';
import { driverContract, type OpenDriver } from '../contract/driver.js';
import { until } from '../contract/serial.js';
import { SimClock } from '../support/sim-clock.js';
import { type FarEnd, uartEnd, usbEnd } from './far-end.js';
import { Host } from './host.js';
import { full, lacking, rig, seed, sleep } from './rig.js';

/** Every driver with a serial twin on a real tty: simulated time, a real kernel between the driver and its twin. */

/** How often the twin is asked what it said; simulated. */
const POLL_MS = 100;
/** For bytes that are on their way, real time. */
const READ_LIMIT_MS = 60_000;
/** To find that a line is away, and to open it again, takes real time. */
const LOOK_MS = 50;

const noHost = lacking('services.host');
const host = noHost ? undefined : await Host.open(rig.service('host'));
after(() => host?.close());

const openOn =
  (makeEnd: () => Promise<FarEnd>): OpenDriver =>
  async (definition, made, attachment, change) => {
    assert.equal(attachment.kind, 'serial');
    const end = await makeEnd();
    const clock = new SimClock();
    const traffic = watchTraffic();
    const config = nodeConfig([partConfig('part', definition, attachment)], {
      kind: 'linux',
      serial: { twin: { pins: [], device: end.device } },
    });
    const deps = testDeps({ clock, loaders: { serialport: async () => traffic.module } });
    const board = await openBoardWith(config, { drivers: [definition], twins: [] }, deps);
    assert.deepEqual(board.missing, []);
    await until('the line is open', traffic.isOpen);
    const worldAt = createWorld(1, 1_750_000_000_000_000_000n);
    const talk = talker(made as SerialTwin, end, traffic, () => change(worldAt(clock.nowNs())));
    return {
      driver: board.parts[0]!.driver,
      nowNs: () => clock.nowNs(),
      async advance(ms) {
        for (let doneMs = 0; doneMs < ms; doneMs += POLL_MS) {
          await clock.advance(Math.min(POLL_MS, ms - doneMs));
          await talk(clock.nowNs());
        }
      },
      async close() {
        await board.close();
        await end.close();
      },
    };
  };

/** Carries what the twin says and hears to and from the far end, and waits until all of it has arrived. */
function talker(
  twin: SerialTwin,
  end: FarEnd,
  traffic: Traffic,
  world: () => World,
): (nowNs: bigint) => Promise<void> {
  let plugged = true;
  let heard = 0;
  let noiseSeed = seed;
  let nextNs = 0n;
  return async (nowNs) => {
    if (nowNs < nextNs && traffic.written === heard) return;
    nextNs = nowNs + BigInt(POLL_MS) * 1_000_000n;
    const { unplugged, mute, noiseProbability } = twin.faults;
    if (plugged === unplugged) {
      await (unplugged ? end.unplug() : end.plug());
      plugged = !unplugged;
    }
    // The port finds it out by a read, or by its own check in simulated time: that has to go on meanwhile.
    if (plugged !== traffic.isOpen()) await sleep(LOOK_MS);
    if (traffic.written > heard) {
      let text = '';
      await until('heard', async () => {
        text = await end.heard();
        return text.length >= traffic.written;
      });
      twin.hear(Buffer.from(text.slice(heard), 'latin1'), world());
      heard = text.length;
    }
    const said = twin.speak(world());
    if (!plugged || mute || said.length === 0 || !traffic.isOpen()) return;
    const before = traffic.read;
    const noise = { how: 'each', probability: noiseProbability, seed: ++noiseSeed } as const;
    const { bytes } = await end.say(said, noiseProbability > 0 ? { damage: noise } : {});
    await traffic.reached(before + bytes);
  };
}

interface Traffic {
  readonly module: unknown;
  readonly read: number;
  readonly written: number;
  /** Settles once so many bytes are read. */
  reached(bytes: number): Promise<void>;
  isOpen(): boolean;
}

/** The package serialport, counting its bytes. */
function watchTraffic(): Traffic {
  const { SerialPort } = createRequire(import.meta.url)('serialport') as { SerialPort: typeof NpmSerialPort };
  let open = false;
  let told: () => void = () => undefined;
  const count = { read: 0, written: 0 };
  function Watched(options: ConstructorParameters<typeof NpmSerialPort>[0]): NpmSerialPort {
    const port = new SerialPort(options);
    const write = port.write.bind(port) as (chunk: Uint8Array, done: () => void) => boolean;
    port.write = ((chunk: Uint8Array, done: () => void) => {
      count.written += chunk.length;
      return write(chunk, done);
    }) as typeof port.write;
    port.on('data', (bytes: Buffer) => {
      count.read += bytes.length;
      told();
    });
    port.on('open', () => {
      open = true;
    });
    port.on('close', () => {
      open = false;
    });
    return port;
  }
  return {
    module: { SerialPort: Watched },
    get read() {
      return count.read;
    },
    get written() {
      return count.written;
    },
    async reached(bytes) {
      while (count.read < bytes) {
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(reject, READ_LIMIT_MS, new Error(`${count.read} of ${bytes} bytes`));
          told = () => resolve(clearTimeout(timer));
        });
      }
    },
    isOpen: () => open,
  };
}

if (!host) test('serial drivers', { skip: noHost }, () => undefined);
else {
  const ends = full ? [() => uartEnd(host), () => usbEnd(host, 'DRIVERS1')] : [() => uartEnd(host)];
  for (const definition of registry.drivers.filter((driver) => driver.attachment === 'serial')) {
    const twin = registry.twins.find((candidate) => candidate.id === definition.id);
    if (twin) for (const end of ends) driverContract(definition, twin, openOn(end));
  }
}
