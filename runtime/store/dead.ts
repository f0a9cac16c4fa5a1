import { ByteReader, ByteWriter, type Crc32c, checkedCrc, withCrc } from './bytes.js';
import { deadKey } from './keys.js';
import type { DirtyKeys } from './ledger.js';
import type { DeadLetter } from './types.js';

/** Of the store's size, at most `MAX_BYTES`. */
const SHARE = 1 / 64;
const MAX_BYTES = 4 * 1024 * 1024;
/** Characters; a text has 255 bytes at most, a character up to four. */
const MAX_REASON = 63;

interface Kept {
  readonly number: number;
  readonly letter: DeadLetter;
  readonly bytes: number;
}

/** What nobody will ever take, with the reason: a bounded range of keys, the oldest go first. Each has its gap in the same batch. */
export class DeadLetters {
  readonly #kept: Kept[] = [];
  #bytes = 0;
  #next = 0;
  readonly #maxBytes: number;

  constructor(
    readonly dirty: DirtyKeys,
    readonly crc32c: Crc32c,
    sizeBytes: number,
  ) {
    this.#maxBytes = Math.min(MAX_BYTES, sizeBytes * SHARE);
  }

  get all(): readonly DeadLetter[] {
    return this.#kept.map(({ letter }) => letter);
  }

  /** From the disk, in the order of its keys. */
  load(number: number, letter: DeadLetter): void {
    this.#keep({ number, letter, bytes: letter.content.length });
  }

  /** Goes with the next batch. One that is known, or alone too large, is passed by. */
  add(letter: DeadLetter): void {
    const { epoch, stream, first } = letter;
    const isIt = (kept: Kept): boolean =>
      kept.letter.first === first && kept.letter.stream === stream && kept.letter.epoch === epoch;
    if (this.#kept.some(isIt) || letter.content.length > this.#maxBytes) return;
    const number = this.#next;
    this.dirty.put(deadKey(number), encodeDead(letter, this.crc32c));
    this.#keep({ number, letter, bytes: letter.content.length });
    while (this.#bytes > this.#maxBytes) {
      const oldest = this.#kept.shift()!;
      this.#bytes -= oldest.bytes;
      this.dirty.del(deadKey(oldest.number));
    }
  }

  touchAll(): void {
    for (const { number, letter } of this.#kept)
      this.dirty.put(deadKey(number), encodeDead(letter, this.crc32c));
  }

  #keep(kept: Kept): void {
    this.#kept.push(kept);
    this.#bytes += kept.bytes;
    this.#next = Math.max(this.#next, kept.number + 1);
  }
}

export function encodeDead(letter: DeadLetter, crc32c: Crc32c): Uint8Array {
  const writer = new ByteWriter().text(letter.epoch).text(letter.stream).u53(letter.first).u16(letter.count);
  writer.u8(letter.kind === 'block' ? 0 : 1).u53(letter.atMs);
  writer.text(letter.reason.slice(0, MAX_REASON)).raw(letter.content);
  return withCrc(writer.bytes(), crc32c);
}

/** `undefined` where it is damaged. */
export function decodeDead(bytes: Uint8Array, crc32c: Crc32c): DeadLetter | undefined {
  const checked = checkedCrc(bytes, crc32c);
  if (!checked) return undefined;
  const reader = new ByteReader(checked);
  const identity = { epoch: reader.text(), stream: reader.text(), first: reader.u53(), count: reader.u16() };
  const kind = reader.u8() === 0 ? 'block' : 'rows';
  const [atMs, reason] = [reader.u53(), reader.text()];
  return { ...identity, kind, atMs, reason, content: Uint8Array.from(checked.subarray(reader.offset)) };
}

/** Newest first; so much content that the control socket can carry it. */
const MAX_TEXTS = 1000;
const MAX_TEXT_BYTES = 400 * 1024;

/** A dead letter for people and programs: its bytes in base64. */
export interface DeadLetterText extends Omit<DeadLetter, 'content'> {
  readonly bytes: number;
  readonly content: string;
}

/** The newest of the letters, newest first. */
export function deadLetterTexts(letters: readonly DeadLetter[]): readonly DeadLetterText[] {
  const texts: DeadLetterText[] = [];
  let bytes = 0;
  for (const { content, ...letter } of letters.toReversed().slice(0, MAX_TEXTS)) {
    bytes += content.length;
    if (bytes > MAX_TEXT_BYTES) break;
    texts.push({ ...letter, bytes: content.length, content: Buffer.from(content).toString('base64') });
  }
  return texts;
}
