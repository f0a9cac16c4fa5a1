import type { Rows } from '../../../drivers/contract/index.js';
import type { Store } from '../../../runtime/store/index.js';
import { copyOf, difference } from './equal.js';
import type { Oracle } from './oracle.js';

/** One row of what came. */
interface Row {
  readonly rows: Rows;
  readonly at: number;
}

/**
 * What a node samples while its disk refuses from the start on: it has no numbers yet, so it is followed by its order. Each row goes into
 * the store that opens in the end, as it was and in its place, or is counted as lost there.
 */
export class EarlyRows {
  readonly #waiting = new Map<string, Row[]>();

  constructor(private readonly oracle: Oracle) {}

  /** The node's store, with a look at what goes in while it isn't open. */
  watched(store: Store): Store {
    return new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        if (name !== 'append') return member.bind(target);
        return (rows: Rows) => {
          if (target.epoch === '') this.#wait(rows);
          else this.#checkNone(rows.stream);
          target.append(rows);
        };
      },
    });
  }

  #wait(rows: Rows): void {
    const copy = copyOf(rows);
    const waiting = this.#waiting.get(rows.stream) ?? [];
    for (let at = 0; at < rows.timesNs.length; at += 1) waiting.push({ rows: copy, at });
    this.#waiting.set(rows.stream, waiting);
  }

  /** Rows go into the store itself: first those that waited. */
  taken(rows: Rows): void {
    const waiting = this.#waiting.get(rows.stream);
    if (!waiting || waiting.length === 0) return;
    for (let i = 0; i < rows.timesNs.length; i += 1) {
      const row = waiting.shift();
      const why = row ? difference(row.rows, row.at, rows, i) : 'more came than had waited';
      if (why)
        this.oracle.fail('early', `${rows.stream}: a row that waited for the store is another now: ${why}`);
    }
  }

  lost(stream: string, rows: number): void {
    const taken = this.#waiting.get(stream)?.splice(0, rows) ?? [];
    if (taken.length < rows)
      this.oracle.fail('early', `${stream}: ${rows} are said to be lost, and ${taken.length} waited`);
  }

  /** The process ended; `isOpen`: with its store open. */
  ended(isOpen: boolean): void {
    if (isOpen) for (const stream of this.#waiting.keys()) this.#checkNone(stream);
    this.#waiting.clear();
  }

  #checkNone(stream: string): void {
    const left = this.#waiting.get(stream)?.length ?? 0;
    if (left > 0)
      this.oracle.fail('early', `${stream}: ${left} rows that waited for the store never went in`);
  }
}
