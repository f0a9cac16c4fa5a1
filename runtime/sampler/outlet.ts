import { oneRow, type Rows, rowCount, type StreamDeclaration } from '../../drivers/contract/index.js';
import type { PartConfig } from '../config/types.js';
import { StreamFilter } from './filter.js';
import { fullStreams } from './streams.js';
import type { SamplerStream } from './types.js';

interface Known {
  readonly filter: StreamFilter;
  readonly stream: SamplerStream;
}

/** Where a part's rows leave: under their full stream names, rounded and judged. */
export class Outlet {
  /** Rows given, faults not counted. */
  samples = 0;
  lastGoodNs: bigint | undefined;
  isClosed = false;
  readonly streams: readonly SamplerStream[];
  readonly #known = new Map<string, Known>();

  constructor(
    private readonly config: PartConfig,
    declared: readonly StreamDeclaration[],
    private readonly emit: (rows: Rows) => void,
  ) {
    this.streams = fullStreams(config, declared);
    const isPolled = config.intervalMs !== undefined;
    for (const [i, { name, channels }] of declared.entries()) {
      this.#known.set(name, { filter: new StreamFilter(channels, isPolled), stream: this.streams[i]! });
    }
  }

  take(rows: Rows): void {
    const known = this.#known.get(rows.stream);
    if (!known)
      throw new Error(`${this.config.id}: its driver emitted an undeclared stream '${rows.stream}'`);
    if (rowCount(rows) === 0 || this.isClosed) return;
    known.filter.apply(rows);
    this.samples += rowCount(rows);
    this.lastGoodNs = rows.timesNs[rows.timesNs.length - 1];
    this.emit({ ...rows, stream: known.stream.name });
  }

  /** A failed sample is a row too: numbered, with nothing in it but the fault. */
  fault(nowNs: bigint): void {
    const [main] = this.streams;
    if (!main || this.isClosed) return;
    this.emit(oneRow(main.name, nowNs, new Array<undefined>(main.channels.length).fill(undefined)));
  }
}
