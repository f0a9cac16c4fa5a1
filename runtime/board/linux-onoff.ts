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
      const count = Number(await attribute(root, chip, 'ngpio'));
      if (config.offset < count) return Number(await attribute(root, chip, 'base')) + config.offset;
      throw new HalError(
        'absent',
        where,
        `${label} has ${count} lines, none with the offset ${config.offset}`,
      );
    }
  }
  throw new HalError('absent', where, `no chip is called ${config.chipLabels.join(' or ')}`);
}

async function attribute(root: string, chip: string, name: string): Promise<string> {
  return (await readFile(join(root, chip, name), 'utf8')).trim();
}

/** An event that finds the level as it was: it went there and back, once at least, before it was looked at. */
const MISSED_PULSE: GpioEdges = { timesNs: new BigInt64Array(0), rising: new Uint8Array(0), lost: 2 };

/**
 * A line through sysfs, for kernels without the character device. Edge times are the process's own, later than the edge. sysfs keeps no
 * count of edges and onoff reads the level again at each event, so pulses shorter than the wake-up may vanish: `lost` is what is sure
 * to be missing, at least, and 0 does not mean none. A line that sysfs has exported already is shared: no process is told that it is
 * busy, and whoever closes it takes it from the others.
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

/**
 * Closed lines, the last of them at least. The package epoll under onoff calls into V8 when its object is collected, and V8 finishes a
 * collection that the end of a process interrupts after its lock is gone: the process would abort as it ends. What is still referenced
 * is not collected then; what this lets go of is collected while the process runs. As many as a big board has lines.
 */
const closedLines: OnoffGpio[] = [];
const MAX_CLOSED_LINES = 64;

class OnoffLine implements GpioLine {
  readonly edgeTime = 'user';
  #watcher: object | undefined;
  #closed = false;
  /** As it was last told: the next edge goes to the other one. */
  #level: 0 | 1 = 0;

  constructor(
    readonly where: string,
    private readonly line: OnoffGpio,
    private readonly options: GpioLineOptions,
    private readonly setup: Pick<BoardSetup, 'clock' | 'log'>,
  ) {}

  async read(): Promise<0 | 1> {
    return this.#named(() => this.line.read());
  }

  async write(level: 0 | 1): Promise<void> {
    if (this.options.direction === 'in') {
      throw new HalError('unsupported', this.where, 'the line is an input: it cannot be driven');
    }
    await this.#named(() => this.line.write(level));
  }

  async watch(
    onEdges: (edges: GpioEdges) => void,
    onError: (error: Error) => void,
  ): Promise<() => Promise<void>> {
    if (this.options.direction === 'out') {
      throw new HalError('unsupported', this.where, 'the line is an output: it has no edges of its own');
    }
    const level = await this.read();
    if (this.#watcher) throw new HalError('busy', this.where, 'the line is watched already');
    const watcher = {};
    this.#watcher = watcher;
    this.#level = level;
    this.line.watch((error, level) => {
      if (this.#watcher === watcher) this.#event(error, level, onEdges, onError);
    });
    return async () => {
      if (this.#watcher !== watcher) return;
      this.line.unwatchAll();
      this.#watcher = undefined;
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#watcher = undefined;
    this.line.unexport();
    closedLines.push(this.line);
    if (closedLines.length > MAX_CLOSED_LINES) closedLines.shift();
  }

  #event(
    error: Error | null | undefined,
    level: 0 | 1,
    onEdges: (edges: GpioEdges) => void,
    onError: (error: Error) => void,
  ): void {
    try {
      if (error) onError(toHalError(error, this.where));
      else if (level !== this.#level) onEdges(this.#edge(level));
      else if (this.options.debounceUs === 0) onEdges(MISSED_PULSE);
    } catch (failure) {
      this.setup.log('error', `${this.where}: the listener failed: ${errorText(failure)}`);
    }
  }

  #edge(level: 0 | 1): GpioEdges {
    this.#level = level;
    return {
      timesNs: BigInt64Array.of(this.setup.clock.nowNs()),
      rising: Uint8Array.of(level),
      lost: 0,
    };
  }

  async #named<T>(task: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new HalError('invalid', this.where, 'the line is closed');
    try {
      return await task();
    } catch (error) {
      throw toHalError(error, this.where);
    }
  }
}
