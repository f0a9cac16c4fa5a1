import type { BaseIssue } from 'valibot';
import { QUANTITY_UNITS, type Quantity } from '../drivers/contract/index.js';

/** What is wrong with one value, for whoever wrote it: valibot's own words are for programmers. */
export function issueText({ kind, expected, received, message }: BaseIssue<unknown>): string {
  if (kind !== 'schema') return message;
  if (!message.startsWith('Invalid ') || !expected) return message;
  if (expected === 'never') return 'there is no such key';
  if (received === 'undefined') return 'is missing';
  return `${WANTED[expected] ?? choices(expected)} is wanted, not ${received}`;
}

const WANTED: Readonly<Record<string, string>> = {
  ...{ string: 'a text', number: 'a number', Array: 'a list', Object: 'a group of keys and values' },
};

/** `("info" | "warning")` is `one of "info", "warning"`. */
function choices(expected: string): string {
  return `one of ${expected.replaceAll(/[()]/g, '').replaceAll(' | ', ', ')}`;
}

const SHOWN_UNITS: Readonly<Record<string, string>> = {
  Cel: '°C',
  '%RH': '% RH',
  'm/s2': 'm/s²',
  deg: '°',
  lat: '°',
  lon: '°',
  '/': '',
};

/** A unit as people write it: `°C`, not `Cel`. */
export function unitText(quantity: Quantity): string {
  const unit = QUANTITY_UNITS[quantity] ?? '';
  return SHOWN_UNITS[unit] ?? unit;
}
