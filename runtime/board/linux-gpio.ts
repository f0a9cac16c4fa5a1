import {
  type GpioEdges,
  type GpioLine,
  type GpioLineOptions,
  HalError,
} from '../../drivers/contract/index.js';
import type { GpioChipInfo, GpioLineInfo, NativeGpioLine } from '../../native/types.js';
import type { GpioLineConfig } from '../config/types.js';
import type { BoardNative, BoardSetup } from './deps.js';
import { errnoName, errorText, toHalError } from './errno.js';

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

function lineOf(config: GpioLineConfig, lines: readonly GpioLineInfo[]): GpioLineInfo | undefined {
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
  const found = findLine(config, name, setup.native);
  const label = found.line.name ? ` (${found.line.name})` : '';
  const where = `${found.chip.name} ${found.line.offset}${label}`;
  return new CdevGpioLine(where, found, options, setup);
}

/** One line of the GPIO character device. Requesting it with edges is a request of its own, made while somebody watches. */
class CdevGpioLine implements GpioLine {
  readonly edgeTime = 'kernel';
  #line: NativeGpioLine | undefined;
  #watched = false;

  constructor(
    readonly where: string,
    private readonly found: Found,
    private readonly options: GpioLineOptions,
    private readonly setup: Pick<BoardSetup, 'native' | 'log'>,
  ) {
    this.#line = this.#request();
  }

  async read(): Promise<0 | 1> {
    return this.#named((line) => line.read());
  }

  async write(level: 0 | 1): Promise<void> {
    if (this.options.direction === 'in') {
      throw new HalError('unsupported', this.where, 'the line is an input: it cannot be driven');
    }
    this.#named((line) => line.write(level));
  }

  async watch(
    onEdges: (edges: GpioEdges) => void,
    onError: (error: Error) => void,
  ): Promise<() => Promise<void>> {
    if (this.options.direction === 'out') {
      throw new HalError('unsupported', this.where, 'the line is an output: it has no edges of its own');
    }
    if (this.#watched) throw new HalError('busy', this.where, 'the line is watched already');
    this.#replace({ onEdges, onError });
    return async () => {
      if (this.#watched) this.#replace();
    };
  }

  async close(): Promise<void> {
    this.#line?.close();
    this.#line = undefined;
    this.#watched = false;
  }

  #replace(watcher?: { onEdges: (edges: GpioEdges) => void; onError: (error: Error) => void }): void {
    this.#line?.close();
    this.#line = undefined;
    this.#watched = false;
    this.#line = this.#request(watcher);
    this.#watched = watcher !== undefined;
  }

  #request(watcher?: {
    onEdges: (edges: GpioEdges) => void;
    onError: (error: Error) => void;
  }): NativeGpioLine {
    const request = {
      ...this.options,
      offset: this.found.line.offset,
      edges: watcher !== undefined,
      consumer: 'cairn',
    };
    try {
      return this.setup.native.gpioOpen(
        this.found.chip.path,
        request,
        watcher && ((timesNs, rising, lost) => this.#deliver(watcher.onEdges, { timesNs, rising, lost })),
        watcher && ((error) => watcher.onError(toHalError(error, this.where))),
      );
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #deliver(onEdges: (edges: GpioEdges) => void, edges: GpioEdges): void {
    try {
      onEdges(edges);
    } catch (error) {
      this.setup.log('error', `${this.where}: the listener failed: ${errorText(error)}`);
    }
  }

  /** A busy line names who holds it, as the kernel knows them. */
  #explain(error: unknown): HalError {
    const holder = errnoName(error) === 'EBUSY' ? this.#holder() : undefined;
    return toHalError(error, this.where, {
      EBUSY: ['busy', `the line is held by "${holder ?? 'an unknown user'}"`, 'free it, or use another pin'],
      EACCES: ['denied', 'this user may not open it', 'add it to the group gpio'],
      ENODEV: ['disconnected', 'the chip went away'],
      ENXIO: ['unsupported', 'this line can make no interrupts, so its edges cannot be watched'],
    });
  }

  #holder(): string | undefined {
    const lines = this.setup.native.gpioLines(this.found.chip.path);
    return lines.find((line) => line.offset === this.found.line.offset)?.consumer || undefined;
  }

  #named<T>(task: (line: NativeGpioLine) => T): T {
    if (!this.#line) throw new HalError('invalid', this.where, 'the line is closed');
    try {
      return task(this.#line);
    } catch (error) {
      throw this.#explain(error);
    }
  }
}
