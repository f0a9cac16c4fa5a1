import type { GpioEdges, GpioLine } from '../../drivers/contract/index.js';

/** Edges of a line since the node started: more than one part's life. */
export interface EdgeCount {
  edges: number;
  lost: number;
}

/** A line that counts the edges its part hears, and shows them to whoever looks on; a watch of its own would take them from the part. */
export class CountedLine implements GpioLine {
  readonly #lookers = new Map<(edges: GpioEdges) => void, () => void>();
  #isWatched = false;

  constructor(
    private readonly line: GpioLine,
    readonly count: EdgeCount,
  ) {}

  get where(): string {
    return this.line.where;
  }

  get edgeTime(): GpioLine['edgeTime'] {
    return this.line.edgeTime;
  }

  /** Edges are counted: its part hears them. */
  get isWatched(): boolean {
    return this.#isWatched;
  }

  read(): Promise<0 | 1> {
    return this.line.read();
  }

  write(level: 0 | 1): Promise<void> {
    return this.line.write(level);
  }

  async watch(
    onEdges: (edges: GpioEdges) => void,
    onError: (error: Error) => void,
  ): Promise<() => Promise<void>> {
    const stop = await this.line.watch(
      (edges) => {
        this.count.edges += edges.timesNs.length;
        this.count.lost += edges.lost;
        for (const look of this.#lookers.keys()) look(edges);
        onEdges(edges);
      },
      (error) => {
        this.#unwatched();
        onError(error);
      },
    );
    this.#isWatched = true;
    return async () => {
      this.#unwatched();
      await stop();
    };
  }

  /** Edges as the part hears them, until the returned function is called; `onEnd` when the part hears no more. */
  look(onEdges: (edges: GpioEdges) => void, onEnd: () => void): () => void {
    this.#lookers.set(onEdges, onEnd);
    return () => this.#lookers.delete(onEdges);
  }

  close(): Promise<void> {
    this.#unwatched();
    return this.line.close();
  }

  #unwatched(): void {
    this.#isWatched = false;
    for (const onEnd of this.#lookers.values()) onEnd();
    this.#lookers.clear();
  }
}
