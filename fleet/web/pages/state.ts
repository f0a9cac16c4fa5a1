import type { NodeState } from '../../store/types.js';
import { type Html, html } from '../html.js';

/** What tells them apart without colour: a circle, a rhombus, a triangle, a square; each within 10 × 10 about 0. */
export const SHAPES: Readonly<Record<NodeState, Html>> = {
  live: html`<circle r="4.5"/>`,
  backlog: html`<path d="M0-5.5 5.5 0 0 5.5-5.5 0Z"/>`,
  late: html`<path d="M0-5.5 5.5 4.5h-11Z"/>`,
  silent: html`<path d="M-4.5-4.5h9v9h-9Z"/>`,
};

const MEANINGS: Readonly<Record<NodeState, string>> = {
  live: 'heard of within its own rhythm',
  backlog: 'sends what it kept while it had no link',
  late: 'longer silent than its rhythm',
  silent: 'no word for a day, or it said goodbye',
};

export function stateMark(state: NodeState): Html {
  return html`<span class="state ${state}" title="${MEANINGS[state]}"><svg viewBox="-6 -6 12 12" width="12" height="12" aria-hidden="true">${SHAPES[state]}</svg> ${state}</span>`;
}
