import { oneRow, type Rows, rowCount, type StreamDeclaration } from '../../drivers/contract/index.js';
import type { ChannelCorrection } from '../calibration/index.js';
import type { PartConfig } from '../config/types.js';
import { Calibrator } from './calibrator.js';
import { StreamFilter } from './filter.js';
import { fullStreams } from './streams.js';
import type { OnRaw, SamplerStream } from './types.js';

interface Known {
  readonly filter: StreamFilter;
  readonly stream: SamplerStream;
  readonly calibrators: readonly Calibrator[];
}

/** Where a part's rows leave: under their full stream names, calibrated, rounded and judged. */
export class Outlet {
  /** Rows given, faults not counted. */
  samples = 0;
  lastGoodNs: bigint | undefined;
  isClosed = false;
  #streams: readonly SamplerStream[] = [];
  readonly #known = new Map<string, Known>();

  constructor(
    private readonly config: PartConfig,
    private readonly declared: readonly StreamDeclaration[],
    private readonly emit: (rows: Rows) => void,
    private readonly onRaw?: OnRaw,
  ) {
    this.calibrate([]);
  }

  get streams(): readonly SamplerStream[] {
    return this.#streams;
  }

  /** Corrects its rows by these from now on, and by no others; its streams are other ones then. Throws where one is of a stream or a channel that it hasn't got. */
  calibrate(corrections: readonly ChannelCorrection[]): void {
    const isPolled = this.config.intervalMs !== undefined;
    const streams = fullStreams(this.config, this.declared, corrections);
    for (const { stream } of corrections)
      if (!streams.some(({ name }) => name === stream)) throw new Error(`there is no stream '${stream}'`);
    const known = streams.map((stream): Known => {
      const own = corrections.filter((correction) => correction.stream === stream.name);
      return {
        stream,
        filter: new StreamFilter(stream.channels, isPolled),
        calibrators: own.map((correction) => new Calibrator(stream.channels, correction)),
      };
    });
    for (const [i, { name }] of this.declared.entries()) this.#known.set(name, known[i]!);
    this.#streams = streams;
  }

  take(rows: Rows): void {
    const known = this.#known.get(rows.stream);
    if (!known)
      throw new Error(`${this.config.id}: its driver emitted an undeclared stream '${rows.stream}'`);
    if (rowCount(rows) === 0 || this.isClosed) return;
    this.onRaw?.(known.stream, rows);
    for (const calibrator of known.calibrators) calibrator.apply(rows);
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
