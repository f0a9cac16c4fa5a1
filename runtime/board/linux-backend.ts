import { access } from 'node:fs/promises';
import {
  type GpioLine,
  type GpioLineOptions,
  HalError,
  type SerialPort,
} from '../../drivers/contract/index.js';
import type { BoardConfig, GpioLineConfig, I2cBusConfig, NodeConfig, PartConfig } from '../config/types.js';
import { gpioOptions } from './attachment.js';
import type { BoardSetup } from './deps.js';
import { QueuedI2cBus } from './i2c-queue.js';
import { Supply } from './i2c-supply.js';
import { openCdevLine } from './linux-gpio.js';
import { openLinuxI2c } from './linux-i2c.js';
import { openOnoffLine, SYSFS_GPIO } from './linux-onoff.js';
import { openLinuxSerial } from './linux-serial.js';
import { linuxSystemFiles } from './linux-system.js';
import { rawBytes } from './raw-bytes.js';
import type { ChoosingBackend } from './types.js';

/** The running machine's own buses and lines. */
export function openLinuxBackend(config: NodeConfig, setup: BoardSetup): ChoosingBackend {
  const { board } = config;
  const choices: string[] = [];
  let gpioChoice: Promise<GpioChoice> | undefined;
  return {
    choices,
    async i2c(bus) {
      const { device, timeoutMs, supply } = entry(board.i2c, bus, 'I2C bus', board);
      if (device === undefined) throw noDevice(bus, board);
      const raw = await openLinuxI2c(bus, device, setup);
      gpioChoice ??= supply && chooseGpio(board.gpioBackend, setup);
      const power = supply && (await openSupply(supply, board, await gpioChoice!, setup));
      const switched = supply ? `, supply on ${supply.line}` : '';
      choices.push(`i2c ${bus}: ${device} by i2c-bus, ${timeoutMs} ms a transfer${switched}`);
      return new QueuedI2cBus(bus, raw, timeoutMs, setup.after, power);
    },
    async serial(part) {
      const port = await openSerial(part, board, setup);
      choices.push(`serial ${port.where}: by serialport`);
      return port;
    },
    rawSerial: (port, baud, onBytes) =>
      openLinuxSerial(deviceOf(port, board), baud, rawBytes(onBytes), setup),
    async gpio(part) {
      gpioChoice ??= chooseGpio(board.gpioBackend, setup);
      const choice = await gpioChoice;
      const line = await openGpio(part, board, choice, setup);
      choices.push(`gpio ${line.where}: ${choice.why}, edge times from the ${line.edgeTime}`);
      return line;
    },
    system: () => linuxSystemFiles(),
  };
}

interface GpioChoice {
  readonly backend: 'cdev' | 'onoff';
  readonly why: string;
}

/** `auto`: the character device where there is one, else sysfs. */
async function chooseGpio(wanted: BoardConfig['gpioBackend'], setup: BoardSetup): Promise<GpioChoice> {
  if (wanted === 'cdev') return { backend: 'cdev', why: 'character device, as the board file says' };
  if (wanted === 'onoff') return { backend: 'onoff', why: 'sysfs by onoff, as the board file says' };
  const chips = setup.native.gpioChips();
  if (chips.length > 0) return { backend: 'cdev', why: `character device, ${chips.length} chips found` };
  const hasSysfs = await access(`${SYSFS_GPIO}/export`).then(
    () => true,
    () => false,
  );
  if (hasSysfs) return { backend: 'onoff', why: 'sysfs by onoff: this kernel has no GPIO character device' };
  throw new HalError('absent', 'gpio', 'this machine has neither /dev/gpiochip* nor /sys/class/gpio', {
    hint: 'is GPIO switched on in the kernel, and may this user see it?',
  });
}

async function openGpio(
  part: PartConfig,
  board: BoardConfig,
  choice: GpioChoice,
  setup: BoardSetup,
): Promise<GpioLine> {
  if (part.attachment.kind !== 'gpio') throw new HalError('invalid', part.id, 'not a part on a GPIO line');
  return openLine(part.attachment.line, gpioOptions(part), board, choice, setup);
}

async function openLine(
  name: string,
  options: GpioLineOptions,
  board: BoardConfig,
  choice: GpioChoice,
  setup: BoardSetup,
): Promise<GpioLine> {
  const line: GpioLineConfig = entry(board.gpio, name, 'GPIO line', board);
  if (choice.backend === 'cdev') return openCdevLine(line, name, options, setup);
  return openOnoffLine(line, name, options, setup);
}

/** The parts of the bus have power from here on. */
async function openSupply(
  { line, activeLow }: NonNullable<I2cBusConfig['supply']>,
  board: BoardConfig,
  choice: GpioChoice,
  setup: BoardSetup,
): Promise<Supply> {
  const options = { direction: 'out', activeLow, bias: 'asIs', debounceUs: 0 } as const;
  const opened = await openLine(line, options, board, choice, setup);
  const supply = new Supply(opened, setup.after, (text) => setup.log('warn', text));
  await supply.switchOn();
  return supply;
}

async function openSerial(part: PartConfig, board: BoardConfig, setup: BoardSetup): Promise<SerialPort> {
  const { attachment, driver } = part;
  if (attachment.kind !== 'serial' || !driver.framing) {
    throw new HalError('invalid', part.id, 'not a part on a serial line');
  }
  const framer = setup.native.createFramer(driver.framing.kind, driver.framing.maxBytes);
  return openLinuxSerial(deviceOf(attachment.port, board), attachment.baud, framer, setup);
}

function deviceOf(port: string, board: BoardConfig): string {
  const { device } = entry(board.serial, port, 'serial port', board);
  if (device === undefined) throw noDevice(port, board);
  return device;
}

function entry<T>(entries: Readonly<Record<string, T>>, name: string, what: string, board: BoardConfig): T {
  const found = entries[name];
  if (found !== undefined) return found;
  throw new HalError('absent', name, `the board ${board.name} has no such ${what}`, {
    hint: `it has: ${Object.keys(entries).join(', ') || 'none'}`,
  });
}

function noDevice(name: string, board: BoardConfig): HalError {
  return new HalError('absent', name, `the board ${board.name} names no device for it`, {
    hint: 'add its path to the board file',
  });
}
