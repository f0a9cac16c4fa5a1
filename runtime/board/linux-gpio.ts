import {
  type GpioEdges,
  type GpioLine,
  type GpioLineOptions,
  HalError,
} from '../../drivers/contract/index.js';
import type { GpioChipInfo, GpioLineInfo, NativeGpioLine } from '../../native/types.js';
import type { GpioLineConfig } from '../config/types.js';
import type { BoardNative, BoardSetup } from './deps.js';
import { errorText, toHalError } from './errno.js';

interface Found {
  readonly chip: GpioChipInfo;
  readonly line: GpioLineInfo;
}

/** A line of the character device: the chip by its label, the line by its name, and by number only where the kernel has no name. */
export function findLine(config: GpioLineConfig, name: string, native: BoardNative): Found {
  const chips = native.gpioChips();
  const wanted = config.chipLabels.flatMap((label) => chips.filter((chip) => chip.label === label));
  const candidates = config.chipLabels.length > 0 ? wanted.slice(0, 1) : chips;
  for (const chip of candidates) {
    const line = lineOf(config, native.gpioLines(chip.path));
    if (line) return { chip, line };
  }
  const there = chips.map((chip) => chip.label).join(', ') || 'none';
  throw new HalError('absent', `gpio ${name}`, 'no such chip or line on this machine', {
    hint: `chips here: ${there}; wanted: ${config.chipLabels.join(' or ') || 'any'}, line ${config.lineNames.join(' or ')}`,
  });
}

export function lineOf(config: GpioLineConfig, lines: readonly GpioLineInfo[]): GpioLineInfo | undefined {
  for (const name of config.lineNames) {
    const named = lines.find((line) => line.name === name);
    if (named) return named;
  }
  return lines.find((line) => line.offset === config.offset);
}

export function openCdevLine(
  config: GpioLineConfig,
  name: string,
  options: GpioLineOptions,
  setup: Pick<BoardSetup, 'native' | 'log'>,
): GpioLine {
  const { chip, line } = findLine(config, name, setup.native);
  const where = `${chip.name} ${line.offset}${line.name ? ` (${line.name})` : ''}`;
  return new CdevGpioLine(where, () => findLine(config, name, setup.native), options, setup);
}

interface Watcher {
  readonly onEdges: (edges: GpioEdges) => void;
  readonly onError: (error: Error) => void;
}

/**
 * One line of the GPIO character device. With edges it is another request than without, made while somebody watches. A request that
 * failed is given up; the next use looks for the chip again, under whatever path it came back.
 *
 * `lost` are the holes in the kernel's numbers and nothing else. Its interrupt thread numbers an edge when it runs, and reads the level
 * then: edges that are faster than it are merged before they have a number, or told with the level of a later one. Two edges of one
 * direction in a row may be either, so they are told as they are, and counted as no loss.
 */
class CdevGpioLine implements GpioLine {
  readonly edgeTime = 'kernel';
  #line: NativeGpioLine | undefined;
  #watcher: Watcher | undefined;
  #closed = false;

  constructor(
    readonly where: string,
    private readonly find: () => Found,
    private readonly options: GpioLineOptions,
    private readonly setup: Pick<BoardSetup, 'native' | 'log'>,
  ) {
    this.#line = this.#request();
  }

  async read(): Promise<0 | 1> {
    return this.#use((line) => line.read());
  }

  async write(level: 0 | 1): Promise<void> {
    if (this.options.direction === 'in') {
      throw new HalError('unsupported', this.where, 'the line is an input: it cannot be driven');
    }
    this.#use((line) => line.write(level));
  }

  async watch(
    onEdges: (edges: GpioEdges) => void,
    onError: (error: Error) => void,
  ): Promise<() => Promise<void>> {
    if (this.options.direction === 'out') {
      throw new HalError('unsupported', this.where, 'the line is an output: it has no edges of its own');
    }
    if (this.#watcher) throw new HalError('busy', this.where, 'the line is watched already');
    const watcher = { onEdges, onError };
    this.#release();
    this.#line = this.#request(watcher);
    this.#watcher = watcher;
    return async () => {
      if (this.#watcher === watcher) this.#release();
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#release();
  }

  #release(): void {
    this.#line?.close();
    this.#line = undefined;
    this.#watcher = undefined;
  }

  #request(watcher?: Watcher): NativeGpioLine {
    if (this.#closed) throw new HalError('invalid', this.where, 'the line is closed');
    const { chip, line } = this.find();
    const request = {
      ...this.options,
      offset: line.offset,
      edges: watcher !== undefined,
      consumer: 'cairn',
    };
    try {
      return this.setup.native.gpioOpen(
        chip.path,
        request,
        watcher && ((timesNs, rising, lost) => this.#deliver(watcher.onEdges, { timesNs, rising, lost })),
        watcher && ((error) => this.#failed(watcher, error)),
      );
    } catch (error) {
      throw explain(error, this.where, line);
    }
  }

  #deliver(onEdges: (edges: GpioEdges) => void, edges: GpioEdges): void {
    try {
      onEdges(edges);
    } catch (error) {
      this.setup.log('error', `${this.where}: the listener failed: ${errorText(error)}`);
    }
  }

  #failed(watcher: Watcher, error: Error): void {
    if (this.#watcher === watcher) this.#release();
    watcher.onError(explain(error, this.where));
  }

  #use<T>(task: (line: NativeGpioLine) => T): T {
    this.#line ??= this.#request();
    try {
      return task(this.#line);
    } catch (error) {
      if (!this.#watcher) this.#release();
      throw explain(error, this.where);
    }
  }
}

/** A busy line names who holds it, as the kernel knows them. */
function explain(error: unknown, where: string, line?: GpioLineInfo): HalError {
  return toHalError(error, where, {
    EBUSY: [
      'busy',
      `the line is held by "${line?.consumer || 'an unknown user'}"`,
      'free it, or use another pin',
    ],
    EACCES: ['denied', 'this user may not open it', 'add it to the group gpio'],
    ENODEV: ['disconnected', 'the chip went away'],
    ENXIO: ['unsupported', 'this line can make no interrupts, so its edges cannot be watched'],
  });
}
