import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type GpioEdges,
  type GpioLine,
  type GpioLineOptions,
  HalError,
} from '../../drivers/contract/index.js';
import type { GpioLineConfig } from '../config/types.js';
import type { BoardSetup } from './deps.js';
import { errorText, toHalError } from './errno.js';

export const SYSFS_GPIO = '/sys/class/gpio';

/** What is used of npm `onoff`. */
interface OnoffGpio {
  read(): Promise<0 | 1>;
  write(level: 0 | 1): Promise<void>;
  watch(callback: (error: Error | null | undefined, level: 0 | 1) => void): void;
  unwatchAll(): void;
  unexport(): void;
}
interface OnoffModule {
  readonly Gpio: new (
    number: number,
    direction: 'in' | 'out',
    edge: 'none' | 'both',
    options: { activeLow: boolean; debounceTimeout: number },
  ) => OnoffGpio;
}

export async function loadOnoff(where: string, setup: Pick<BoardSetup, 'loaders'>): Promise<OnoffModule> {
  const loaded = await setup.loaders.onoff().catch((error: unknown) => {
    throw new HalError('unsupported', where, `the package onoff cannot be loaded: ${errorText(error)}`, {
      cause: error,
      hint: 'install a C++ compiler and make, then: npm rebuild epoll',
    });
  });
  return loaded as OnoffModule;
}

/** The number that sysfs knows a line by: the base of the chip with the wanted label, plus the line's offset. */
export async function sysfsNumber(
  config: GpioLineConfig,
  where: string,
  root: string = SYSFS_GPIO,
): Promise<number> {
  if (config.offset === undefined) {
    throw new HalError('unsupported', where, 'sysfs knows no line names', {
      hint: 'give the line its offset in the board file, or use the character device',
    });
  }
  const chips = await readdir(root).catch((error) => {
    throw toHalError(error, where, { ENOENT: ['absent', 'this kernel has no GPIO in sysfs'] });
  });
  for (const label of config.chipLabels) {
    for (const chip of chips.filter((name) => name.startsWith('gpiochip'))) {
      if ((await attribute(root, chip, 'label')) !== label) continue;
      return Number(await attribute(root, chip, 'base')) + config.offset;
    }
  }
  throw new HalError('absent', where, `no chip is called ${config.chipLabels.join(' or ')}`);
}

async function attribute(root: string, chip: string, name: string): Promise<string> {
  return (await readFile(join(root, chip, name), 'utf8')).trim();
}

/**
 * A line through sysfs, for kernels without the character device. Edge times are the process's own, later than the edge. sysfs keeps no
 * count of edges and onoff reads the level again at each event, so pulses shorter than the wake-up vanish unseen: `lost` is always 0
 * here, and 0 means unknown.
 */
export async function openOnoffLine(
  config: GpioLineConfig,
  name: string,
  options: GpioLineOptions,
  setup: BoardSetup,
  root: string = SYSFS_GPIO,
): Promise<GpioLine> {
  const asked = `gpio ${name}`;
  if (options.bias !== 'asIs') {
    throw new HalError('unsupported', asked, `sysfs cannot set the bias "${options.bias}"`, {
      hint: 'use bias: asIs with a resistor on the board, or the character device',
    });
  }
  const { Gpio } = await loadOnoff(asked, setup);
  const number = await sysfsNumber(config, asked, root);
  const where = `sysfs gpio${number} (${name})`;
  try {
    const line = new Gpio(number, options.direction, options.direction === 'in' ? 'both' : 'none', {
      activeLow: options.activeLow,
      debounceTimeout: Math.ceil(options.debounceUs / 1000),
    });
    return new OnoffLine(where, line, options, setup);
  } catch (error) {
    throw toHalError(error, where, {
      EBUSY: ['busy', 'another user holds the line', 'see /sys/kernel/debug/gpio'],
      EACCES: ['denied', 'this user may not export it', 'add it to the group gpio'],
    });
  }
}

class OnoffLine implements GpioLine {
  readonly edgeTime = 'user';
  #watched = false;

  constructor(
    readonly where: string,
    private readonly line: OnoffGpio,
    private readonly options: GpioLineOptions,
    private readonly setup: Pick<BoardSetup, 'clock' | 'log'>,
  ) {}

  read(): Promise<0 | 1> {
    return this.line.read().catch((error) => {
      throw toHalError(error, this.where);
    });
  }

  async write(level: 0 | 1): Promise<void> {
    if (this.options.direction === 'in') {
      throw new HalError('unsupported', this.where, 'the line is an input: it cannot be driven');
    }
    await this.line.write(level).catch((error) => {
      throw toHalError(error, this.where);
    });
  }

  async watch(
    onEdges: (edges: GpioEdges) => void,
    onError: (error: Error) => void,
  ): Promise<() => Promise<void>> {
    if (this.options.direction === 'out') {
      throw new HalError('unsupported', this.where, 'the line is an output: it has no edges of its own');
    }
    if (this.#watched) throw new HalError('busy', this.where, 'the line is watched already');
    this.#watched = true;
    this.line.watch((error, level) => this.#event(error, level, onEdges, onError));
    return async () => {
      this.line.unwatchAll();
      this.#watched = false;
    };
  }

  async close(): Promise<void> {
    this.line.unexport();
  }

  #event(
    error: Error | null | undefined,
    level: 0 | 1,
    onEdges: (edges: GpioEdges) => void,
    onError: (error: Error) => void,
  ): void {
    try {
      if (error) onError(toHalError(error, this.where));
      else {
        const timesNs = BigInt64Array.of(this.setup.clock.nowNs());
        onEdges({ timesNs, rising: Uint8Array.of(level), lost: 0 });
      }
    } catch (failure) {
      this.setup.log('error', `${this.where}: the listener failed: ${errorText(failure)}`);
    }
  }
}
