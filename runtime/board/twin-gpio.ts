import {
  type GpioEdges,
  type GpioLine,
  type GpioLineOptions,
  type GpioTwin,
  HalError,
  type World,
} from '../../drivers/contract/index.js';
import { type BoardSetup, every } from './deps.js';
import { errorText } from './errno.js';

const POLL_MS = 10;
/** Edges kept of one poll; the oldest beyond are counted `lost`, as the kernel does when its line buffer is full. */
export const MAX_EDGES_PER_POLL = 1024;

/** Turns the changes of a level into edges: debounced as the kernel does, at most MAX_EDGES_PER_POLL, the newest kept. */
export class EdgeMaker {
  readonly #holdNs: bigint;
  readonly #times = new BigInt64Array(MAX_EDGES_PER_POLL);
  readonly #levels = new Uint8Array(MAX_EDGES_PER_POLL);
  #made = 0;
  /** The debounced level and the one on the wire; they differ while a change hasn't held long enough. */
  #stable: 0 | 1;
  #raw: 0 | 1;
  #rawSinceNs = 0n;

  constructor(level: 0 | 1, debounceUs: number) {
    this.#stable = level;
    this.#raw = level;
    this.#holdNs = BigInt(Math.round(debounceUs)) * 1000n;
  }

  get level(): 0 | 1 {
    return this.#stable;
  }

  /** Changes since the last call, oldest first, and the time until which they are known. `invert`: activeLow. */
  take(timesNs: BigInt64Array, nowNs: bigint, invert: boolean): GpioEdges {
    this.#made = 0;
    for (const timeNs of timesNs) {
      this.#settle(timeNs);
      this.#raw = this.#raw === 0 ? 1 : 0;
      this.#rawSinceNs = timeNs;
    }
    this.#settle(nowNs);
    return this.#collect(invert);
  }

  #settle(nowNs: bigint): void {
    if (this.#raw === this.#stable || nowNs - this.#rawSinceNs < this.#holdNs) return;
    this.#stable = this.#raw;
    const slot = this.#made % MAX_EDGES_PER_POLL;
    this.#times[slot] = this.#rawSinceNs + this.#holdNs;
    this.#levels[slot] = this.#stable;
    this.#made++;
  }

  #collect(invert: boolean): GpioEdges {
    const kept = Math.min(this.#made, MAX_EDGES_PER_POLL);
    const lost = this.#made - kept;
    const timesNs = new BigInt64Array(kept);
    const rising = new Uint8Array(kept);
    for (let i = 0; i < kept; i++) {
      const slot = (lost + i) % MAX_EDGES_PER_POLL;
      timesNs[i] = this.#times[slot]!;
      rising[i] = this.#levels[slot]! ^ (invert ? 1 : 0);
    }
    return { timesNs, rising, lost };
  }
}

export class TwinGpioLine implements GpioLine {
  readonly edgeTime = 'kernel';
  readonly #edges: EdgeMaker;
  #onEdges: ((edges: GpioEdges) => void) | undefined;
  #stop: () => void = () => undefined;
  #driven: 0 | 1 = 0;
  #closed = false;

  constructor(
    readonly where: string,
    private readonly twin: GpioTwin,
    private readonly options: GpioLineOptions,
    private readonly world: () => World,
    private readonly setup: Pick<BoardSetup, 'after' | 'log'>,
  ) {
    this.#edges = new EdgeMaker(twin.changes(world()).level, options.debounceUs);
  }

  async read(): Promise<0 | 1> {
    if (this.#closed) throw new HalError('invalid', this.where, 'the line is closed');
    if (this.options.direction === 'out') return this.#driven;
    this.#poll();
    return this.#logical(this.#edges.level);
  }

  async write(level: 0 | 1): Promise<void> {
    if (this.options.direction === 'in') {
      throw new HalError('unsupported', this.where, 'the line is an input: it cannot be driven');
    }
    this.#driven = level;
    this.twin.driven(this.#logical(level));
  }

  async watch(onEdges: (edges: GpioEdges) => void): Promise<() => Promise<void>> {
    if (this.options.direction === 'out') {
      throw new HalError('unsupported', this.where, 'the line is an output: it has no edges of its own');
    }
    if (this.#onEdges) throw new HalError('busy', this.where, 'the line is watched already');
    this.#poll(); // edges from before nobody asked for
    this.#onEdges = onEdges;
    this.#stop = every(this.setup.after, POLL_MS, () => this.#poll());
    return async () => {
      if (this.#onEdges === onEdges) this.#unwatch();
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#unwatch();
  }

  #unwatch(): void {
    this.#stop();
    this.#onEdges = undefined;
  }

  #logical(level: 0 | 1): 0 | 1 {
    return this.options.activeLow ? (level === 0 ? 1 : 0) : level;
  }

  #poll(): void {
    const world = this.world();
    const edges = this.#edges.take(this.twin.changes(world).timesNs, world.timeNs, this.options.activeLow);
    if (!this.#onEdges || (edges.timesNs.length === 0 && edges.lost === 0)) return;
    try {
      this.#onEdges(edges);
    } catch (error) {
      this.setup.log('error', `${this.where}: the listener failed: ${errorText(error)}`);
    }
  }
}
