import type { Store, StreamSummary } from '../../store/types.js';
import { CAUSES, countOf, rowsOf, timeOfMs } from '../format.js';
import { type Html, html } from '../html.js';
import { table } from './parts.js';

type Listed<Key extends 'gaps' | 'conflicts'> = Awaited<ReturnType<Store[Key]>>;
export interface Losses {
  readonly gaps: Listed<'gaps'>;
  readonly conflicts: Listed<'conflicts'>;
  /** Streams with rows both received and lost. */
  readonly contradicted: readonly StreamSummary[];
}

/** Rows of each table. */
const MAX_ROWS = 100;

export function lossesOf({ gaps, conflicts, contradicted }: Losses): Html {
  return html`<section id="losses" data-live aria-labelledby="losses-title"><h2 id="losses-title">What is lost</h2>
${gaps.length === 0 && html`<p>Nothing: the node has accounted for no gap.</p>`}
${
  gaps.length > 0 &&
  html`<p>The node says of each row that can't come any more why it can't.</p>
${table(
  [
    { title: 'Stream', cell: ({ stream }) => stream },
    { title: 'Lost', cell: extentOf },
    { title: 'Why', cell: ({ cause }) => CAUSES[cause] ?? cause },
    { title: 'Known since', cell: ({ learnedMs }) => timeOfMs(learnedMs) },
  ],
  newest(gaps, (gap) => gap.learnedMs),
)}${more(gaps.length)}`
}
${
  conflicts.length > 0 &&
  html`<h3 id="conflicts">Conflicts</h3>
<p>The same numbers came twice with different contents. What came first is shown as readings, and both are kept: a copied card, or a fault of the node's store. Look whether two nodes run with the same identity; if not, have the node's store checked (<code>cairn store verify</code>).</p>
${table(
  [
    { title: 'Stream', cell: ({ stream }) => stream },
    { title: 'Rows', cell: ({ first, count }) => `${rowsOf(count)} from number ${countOf(first)}` },
    { title: 'CRC', cell: ({ crc }) => html`<code>${crc.toString(16).padStart(8, '0')}</code>` },
    { title: 'Came', cell: ({ receivedMs }) => timeOfMs(receivedMs) },
  ],
  newest(conflicts, (one) => one.receivedMs),
)}${more(conflicts.length)}`
}
${
  contradicted.length > 0 &&
  html`<h3 id="contradictions">Contradictions</h3>
<p>The node said of these rows that they were lost for good, and they came all the same. They are kept and count as received: a copied or restored card, or a fault of the node's store. Look whether another node runs with its identity; if not, have its store checked (<code>cairn store verify</code>).</p>
${table(
  [
    { title: 'Stream', cell: ({ stream }) => stream },
    { title: 'Epoch', cell: ({ epoch }) => html`<code>${epoch}</code>` },
    { title: 'Rows', cell: ({ contradictions }) => rowsOf(contradictions) },
  ],
  contradicted.slice(0, MAX_ROWS),
)}${more(contradicted.length)}`
}
</section>`;
}

function extentOf({ first, last, atMost }: Losses['gaps'][number]): string {
  if (last === undefined) return `all from number ${countOf(first)} on`;
  const rows = rowsOf(last - first + 1n);
  return `${atMost ? `at most ${rows}` : rows}, numbers ${countOf(first)} to ${countOf(last)}`;
}

function newest<T>(rows: readonly T[], ms: (row: T) => number): readonly T[] {
  return rows.toSorted((a, b) => ms(b) - ms(a)).slice(0, MAX_ROWS);
}

function more(count: number): Html | false {
  return count > MAX_ROWS && html`<p class="quiet">And ${countOf(count - MAX_ROWS)} older ones.</p>`;
}
