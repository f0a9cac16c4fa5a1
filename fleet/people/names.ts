import { PeopleError } from './types.js';

/** Letters, marks, digits, punctuation and symbols, spaces within; nothing that turns the direction of writing. */
const NAME =
  /^[\p{L}\p{M}\p{N}\p{P}\p{S}](?:[\p{L}\p{M}\p{N}\p{P}\p{S} ]{0,62}[\p{L}\p{M}\p{N}\p{P}\p{S}])?$/u;
/** RFC 5321 §4.5.3.1.3, without its angle brackets. */
const MAX_EMAIL = 254;

/** As it is kept. Throws PeopleError `input`. */
export function checkedName(typed: string): string {
  const name = typed.normalize('NFC').trim();
  if (!NAME.test(name)) throw new PeopleError('input', 'A name has 1 to 64 printable characters.');
  return name;
}

/** The same for all that people would take for the same name; of anything that was typed. */
export function nameKey(typed: string): string {
  return storable(typed).normalize('NFKC').trim().toLowerCase();
}

/** Undefined where nothing was typed. Throws PeopleError `input`. */
export function checkedEmail(typed: string): string | undefined {
  const email = typed.trim();
  if (email === '') return undefined;
  if (email.length > MAX_EMAIL || !/^[^\s@<>,;"]+@[^\s@<>,;"]+$/.test(email))
    throw new PeopleError('input', 'That is no e-mail address.');
  return email;
}

/** PostgreSQL's texts have no U+0000. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}
