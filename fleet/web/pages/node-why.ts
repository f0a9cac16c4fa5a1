import type { HeardHealth, NodeDetail } from '../../store/types.js';
import { spanOf } from '../format.js';
import { type Html, html } from '../html.js';

/** Why nothing comes from a node that is late or silent, as far as its last word tells: its last will, or its goodbye (docs/wire-format.md, 6). */
export function absenceOf({ state, heardMs, status }: NodeDetail, nowMs: number): Html | false {
  if (state !== 'late' && state !== 'silent') return false;
  const words = LAST_WORDS[String(status?.state)] ?? 'It sends no status, so this is all that is known.';
  return html`<p class="notice">Nothing has come for ${spanOf(nowMs - heardMs)}. ${words} What it keeps meanwhile comes later.</p>`;
}

const LAST_WORDS: Readonly<Record<string, string>> = {
  stopped: 'It was stopped in good order and said so: it is back once its service is started.',
  offline: 'Its connection broke off without a goodbye: its power or its link is gone, or it was cut off.',
  online: 'It never said goodbye and its connection did not break: it has nothing to say, or its link hangs.',
};

/** Why the node isn't well, by its own word, the deepest cause first. */
export function causesOf({ causes, causeCount, atMs, partCount }: HeardHealth, nowMs: number): Html {
  if (causeCount === 0)
    return html`<p>Nothing was wrong: ${partCount === 1 ? 'its part' : `its ${partCount} parts`}, its store and its link were as they should be.</p>`;
  const one = ({ what, todo, sinceS }: HeardHealth['causes'][number]) =>
    html`<li><strong>${what}</strong>${sinceS !== undefined && html` <small>began ${spanOf(nowMs - atMs + 1000 * sinceS)} ago</small>`}
${todo && html`<br>What to do: ${todo}`}</li>`;
  const more = causeCount - causes.length;
  return html`<ol class="causes">${causes.map(one)}</ol>
${more > 0 && html`<p>And ${more} more: <code>cairn why</code> on the node has all.</p>`}`;
}

/** Each with its state, those that aren't well first, as the node said them. */
export function partsOf({ parts, partCount }: HeardHealth): Html {
  const named = Object.entries(parts);
  if (named.length === 0) return html``;
  const one = ([id, state]: readonly [string, string]) =>
    html`<li ${isBad(state) && html`class="bad"`}>${id} <strong>${state}</strong></li>`;
  const more = partCount - named.length;
  return html`<ul class="parts" aria-label="Parts">${named.map(one)}${more > 0 && html`<li class="quiet">and ${more} more</li>`}</ul>`;
}

function isBad(state: string): boolean {
  return state === 'failing' || state === 'missing';
}

/** `part.missing` is `part missing`, `machine.underVoltage` is `machine under voltage`. */
export function causeWords(rule: string): string {
  return rule.replaceAll('.', ' ').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
