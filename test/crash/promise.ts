import type { Span } from '../../hil/power/numbers.js';
import type { Statement } from './said.js';

/** What a process has said of one stream. */
interface StreamPromise {
  readonly committed: Span[];
  readonly freed: Span[];
  /** To rows, promised or not. */
  readonly given: Span[];
}

/** What was said by a moment: what the disk must hold from then on. */
export class Promised {
  readonly streams = new Map<string, StreamPromise>();
  /** In which the last rows were promised; `undefined`: none were. */
  epoch: string | undefined;
  #openEpoch = '';

  take(statement: Statement): void {
    if (statement.is === 'open') {
      this.#openEpoch = statement.epoch;
      return;
    }
    if (statement.is === 'committed') this.epoch = this.#openEpoch;
    const { stream, from, to } = statement;
    const its = this.of(stream);
    this.streams.set(stream, its);
    const spans = its[statement.is];
    // Later words of one process take in the ones before.
    const last = spans.at(-1);
    if (last && (last[0] === from || last[1] === from)) spans.splice(-1, 1, [last[0], to]);
    else spans.push([from, to]);
  }

  of(stream: string): StreamPromise {
    return this.streams.get(stream) ?? { committed: [], freed: [], given: [] };
  }
}
