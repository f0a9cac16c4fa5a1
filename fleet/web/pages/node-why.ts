import type { HeardHealth } from '../../store/types.js';
import { spanOf } from '../format.js';
import { type Html, html } from '../html.js';

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
