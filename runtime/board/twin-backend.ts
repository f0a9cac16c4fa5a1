import {
  type Attachment,
  type GpioLine,
  type GpioTwin,
  HalError,
  type I2cTwin,
  type SerialPort,
  type SerialTwin,
  type SystemFiles,
  type SystemTwin,
  type Twin,
  type World,
} from '../../drivers/contract/index.js';
import type { NodeConfig, PartConfig } from '../config/types.js';
import { gpioOptions } from './attachment.js';
import type { BoardSetup } from './deps.js';
import { errorText } from './errno.js';
import { QueuedI2cBus, type RawI2c, type RecoverableI2cBus } from './i2c-queue.js';
import { openLinuxSerial } from './linux-serial.js';
import { rawBytes } from './raw-bytes.js';
import { TwinGpioLine } from './twin-gpio.js';
import { TwinI2c } from './twin-i2c.js';
import { TwinSerialPort } from './twin-serial.js';
import { SocketI2c } from './twin-socket.js';
import { twinSystemFiles } from './twin-system.js';
import type { ChoosingBackend, Registry } from './types.js';
import { createWorld } from './world.js';

const UNIX = 'unix:';

/** Every part is its twin, in one world; a bus may be served by another process, and a serial port be a real pty. */
export function openTwinBackend(config: NodeConfig, registry: Registry, setup: BoardSetup): ChoosingBackend {
  const worldAt = setup.world ?? worldOfNow(setup);
  const world = () => worldAt(setup.clock.nowNs());
  const choices: string[] = [];
  const twins = new Map<string, Twin>();
  // What a part's line is opened anew for, by whomever: its twin stays the same, faults and all.
  const twinOf = (part: PartConfig) => {
    const twin = twins.get(part.id) ?? makeTwin(part, registry, setup);
    twins.set(part.id, twin);
    return twin;
  };
  return {
    choices,
    async i2c(bus) {
      const { bus: opened, why } = openBus(bus, config, twinOf, world, setup);
      choices.push(`i2c ${bus}: ${why}`);
      return opened;
    },
    async serial(part) {
      const { port, why } = await openPort(part, config, twinOf, world, setup);
      choices.push(`serial ${port.where}: ${why}`);
      return port;
    },
    async rawSerial(port, baud, onBytes) {
      const device = config.board.serial[port]?.device;
      if (device !== undefined) return openLinuxSerial(device, baud, rawBytes(onBytes), setup);
      const part = config.parts.find(
        ({ attachment }) => attachment.kind === 'serial' && attachment.port === port,
      );
      if (!part) throw noTwin(port);
      const twin: SerialTwin = expect(twinOf(part), 'serial', part);
      return new TwinSerialPort(port, twin, rawBytes(onBytes), world, setup);
    },
    async gpio(part) {
      const line = openLine(part, twinOf, world, setup);
      choices.push(`gpio ${line.where}: a twin in this process`);
      return line;
    },
    system: () => openSystem(config, twinOf, world),
  };
}

/** Boot time and the wall clock as they stand now, tied once. */
function worldOfNow(setup: BoardSetup): (timeNs: bigint) => World {
  const { bootNs, wallNs } = setup.native.clockPair();
  return createWorld(1, wallNs - bootNs);
}

function makeTwin(part: PartConfig, registry: Registry, setup: BoardSetup): Twin {
  const definition = registry.twins.find((twin) => twin.id === part.driver.id);
  if (!definition) {
    throw new HalError('unsupported', part.id, `${part.driver.id} has no twin`, {
      hint: 'use it on a board of kind linux',
    });
  }
  const twin = definition.create(setup.random);
  setup.onTwin?.(part.id, twin);
  return twin;
}

function openBus(
  bus: string,
  config: NodeConfig,
  twinOf: (part: PartConfig) => Twin,
  world: () => World,
  setup: BoardSetup,
): { bus: RecoverableI2cBus; why: string } {
  const { device, timeoutMs } = config.board.i2c[bus] ?? { device: undefined, timeoutMs: 1000 };
  const queued = (raw: RawI2c) => new QueuedI2cBus(bus, raw, timeoutMs, setup.after);
  if (device?.startsWith(UNIX)) {
    const path = device.slice(UNIX.length);
    return { bus: queued(new SocketI2c(bus, path)), why: `twins of another process, at ${path}` };
  }
  const twins = twinsOnBus(bus, config, twinOf, setup);
  const raw = new TwinI2c({ name: bus, twins, world, random: setup.random, after: setup.after });
  return { bus: queued(raw), why: `${twins.size} twins in this process` };
}

/** A part without a twin leaves its address empty; its neighbours are there all the same. */
function twinsOnBus(
  bus: string,
  config: NodeConfig,
  twinOf: (part: PartConfig) => Twin,
  setup: BoardSetup,
): ReadonlyMap<number, I2cTwin> {
  const twins = new Map<number, I2cTwin>();
  for (const part of config.parts) {
    if (part.attachment.kind !== 'i2c' || part.attachment.bus !== bus) continue;
    try {
      twins.set(part.attachment.address, expect(twinOf(part), 'i2c', part));
    } catch (error) {
      setup.log('error', errorText(error));
    }
  }
  return twins;
}

async function openPort(
  part: PartConfig,
  config: NodeConfig,
  twinOf: (part: PartConfig) => Twin,
  world: () => World,
  setup: BoardSetup,
): Promise<{ port: SerialPort; why: string }> {
  const { attachment, driver } = part;
  if (attachment.kind !== 'serial' || !driver.framing) throw wrongAttachment(part, 'serial');
  const framer = setup.native.createFramer(driver.framing.kind, driver.framing.maxBytes);
  const device = config.board.serial[attachment.port]?.device;
  if (device !== undefined) {
    const port = await openLinuxSerial(device, attachment.baud, framer, setup);
    return { port, why: 'a real device on a twin board, by serialport' };
  }
  const twin: SerialTwin = expect(twinOf(part), 'serial', part);
  const port = new TwinSerialPort(attachment.port, twin, framer, world, setup);
  return { port, why: 'a twin in this process' };
}

function openLine(
  part: PartConfig,
  twinOf: (part: PartConfig) => Twin,
  world: () => World,
  setup: BoardSetup,
): GpioLine {
  if (part.attachment.kind !== 'gpio') throw wrongAttachment(part, 'gpio');
  const twin: GpioTwin = expect(twinOf(part), 'gpio', part);
  return new TwinGpioLine(`twin ${part.attachment.line}`, twin, gpioOptions(part), world, setup);
}

function openSystem(config: NodeConfig, twinOf: (part: PartConfig) => Twin, world: () => World): SystemFiles {
  const part = config.parts.find((candidate) => candidate.attachment.kind === 'system');
  if (!part) throw new HalError('absent', 'system', 'no part of this node reads the system');
  const twin: SystemTwin = expect(twinOf(part), 'system', part);
  return twinSystemFiles(twin, world);
}

function noTwin(port: string): HalError {
  return new HalError('absent', port, 'no part of the node file is on this port', {
    hint: 'on a twin board nothing else could be',
  });
}

function expect<A extends Attachment>(
  twin: Twin,
  attachment: A,
  part: PartConfig,
): Extract<Twin, { attachment: A }> {
  if (twin.attachment !== attachment) throw wrongAttachment(part, attachment);
  return twin as Extract<Twin, { attachment: A }>;
}

function wrongAttachment(part: PartConfig, attachment: Attachment): HalError {
  return new HalError('invalid', part.id, `${part.driver.id} is not a part on ${attachment}`);
}
