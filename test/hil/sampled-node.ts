import type { Rows, StreamDeclaration } from '../../drivers/contract/index.js';
import { QUALITY } from '../../drivers/contract/index.js';
import { openBoard } from '../../runtime/board/index.js';
import type { Board } from '../../runtime/board/types.js';
import type { BoardConfig, PartConfig } from '../../runtime/config/types.js';
import { createSampler, type Sampler } from '../../runtime/sampler/index.js';
import { nodeConfig, realClock, seeded, testDeps } from '../board/fixture.js';
import { native, seed, sleep } from './rig.js';

export interface SampledRow {
  readonly stream: string;
  readonly timeNs: bigint;
  /** By the channel's name; NaN in a fault. */
  readonly values: Readonly<Record<string, number>>;
  readonly isFault: boolean;
}

/** The sampler's own: the same tries at the same distances in each run, whatever the seed. */
const JITTER_SEED = 1;

/** The left half of a node, as runtime/node.ts wires it: real board, real sampler; its rows and its log are kept. */
export class SampledNode {
  readonly rows: SampledRow[] = [];
  /** How long the sampler asked to wait, each time, ms: what it meant to do, however late the machine is. */
  readonly waitsMs: number[] = [];
  readonly log: string[] = [];
  readonly #streams = new Map<string, StreamDeclaration>();
  readonly #sampler: Sampler;

  static async start(parts: readonly PartConfig[], board: Partial<BoardConfig>): Promise<SampledNode> {
    const log: string[] = [];
    const deps = testDeps({
      random: seeded(seed),
      log: (level, text) => log.push(`${level} ${text}`),
    });
    const opened = await openBoard(nodeConfig(parts, { kind: 'linux', ...board }), deps);
    return new SampledNode(opened, log);
  }

  private constructor(
    private readonly board: Board,
    log: string[],
  ) {
    this.log = log;
    this.#sampler = createSampler({
      board,
      clock: { ...realClock, after: (ms, task) => realClock.after(this.#noted(ms), task) },
      random: seeded(JITTER_SEED),
      declare: (streams) => {
        for (const stream of streams) this.#streams.set(stream.name, stream);
      },
      emit: (rows) => this.#take(rows),
      log: (level, text) => log.push(`${level} ${text}`),
    });
    this.#sampler.start();
  }

  status(id: string) {
    return this.#sampler.status().find((part) => part.id === id)!;
  }

  /** Rows of a stream from a time on. */
  rowsOf(stream: string, sinceNs = 0n): readonly SampledRow[] {
    return this.rows.filter((row) => row.stream === stream && row.timeNs >= sinceNs);
  }

  /** Until a good row of each stream from after now. */
  async goodRows(streams: readonly string[], withinMs: number): Promise<void> {
    const sinceNs = native.bootTimeNs();
    const lacks = () => streams.filter((stream) => !this.rowsOf(stream, sinceNs).some((row) => !row.isFault));
    for (let ms = 0; lacks().length > 0; ms += 20) {
      if (ms > withinMs)
        throw new Error(`no good row of ${lacks()} in ${withinMs} ms\n${this.log.join('\n')}`);
      await sleep(20);
    }
  }

  async stop(): Promise<void> {
    await this.#sampler.stop();
    await this.board.close();
  }

  #noted(ms: number): number {
    this.waitsMs.push(ms);
    return ms;
  }

  #take({ stream, timesNs, values, quality }: Rows): void {
    const { channels } = this.#streams.get(stream)!;
    for (const [row, timeNs] of timesNs.entries()) {
      const at = row * channels.length;
      this.rows.push({
        stream,
        timeNs,
        values: Object.fromEntries(channels.map(({ name }, i) => [name, values[at + i]!])),
        isFault: channels.every((_, i) => quality[at + i] === QUALITY.fault),
      });
    }
  }
}
