import { type JournalDisk, segmentName } from './disk.js';
import { type Entry, type Happening, hashOf, lineOf, type Moment, type Note } from './entry.js';
import { readEntries, readTail, type Signed, signedIn, type Tail } from './read.js';

/** Two segments are kept: the journal has 1 MiB at most, and half of it at least when it was ever full. */
export const SEGMENT_MAX_BYTES = 512 * 1024;
/** What comes while the disk is slow; more is counted, and said. */
const WAITING_MAX = 64;
/** RFC 8032 §5.1.6. */
const SIGNATURE_BYTES = 64;
/** And at the end of each session. */
const SIGN_EVERY = 16;

export interface JournalPorts {
  now(): Moment;
  /** The node's signature of 32 bytes, within seconds; undefined while the node is down: then later. */
  sign(head: Uint8Array): Promise<Uint8Array | undefined>;
  /** That it can't be written or signed, once for each new reason. */
  log(text: string): void;
}

/** The end of the chain, and the newest entry that is signed. */
export interface Head {
  readonly number: number;
  /** SHA-256, 64 hexadecimal digits. */
  readonly hash: string;
  readonly signed: Signed | undefined;
}

/**
 * Who was on the console and what they did: a chain of entries, each with the hash of the one before. One process writes a folder. A disk
 * that refuses holds nobody up: what could not be written is counted, and noted by the first entry that can be.
 */
export class Journal {
  #tail: Tail | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #unsigned = 0;
  /** To be noted by the next entries: of how many entries, bytes, and from which number on. */
  #lost = 0;
  #tornBytes = 0;
  #trimmedTo = 0;
  #said = '';

  constructor(
    private readonly disk: JournalDisk,
    private readonly ports: JournalPorts,
  ) {}

  /** Whether it is on the disk; where it isn't, that is said later. Nobody needs to wait for it. Never rejects. */
  async append(happening: Happening): Promise<boolean> {
    if (this.#waiting >= WAITING_MAX) {
      this.#lost++;
      return false;
    }
    const moment = this.ports.now();
    this.#waiting++;
    const isKept = await this.#inTurn(() => this.#put(moment, happening));
    this.#waiting--;
    this.#unsigned++;
    if (happening.e === 'end' || this.#unsigned >= SIGN_EVERY) void this.seal();
    return isKept;
  }

  /** Has the node sign the end, unless it did or is down; true where it is signed. Never rejects. */
  seal(): Promise<boolean> {
    return this.#inTurn(async () => {
      const { number, hash, signed } = await this.#loaded();
      if (number === 0 || signed?.number === number - 1) return number > 0;
      this.#unsigned = 0;
      const signature = await this.ports.sign(Buffer.from(hash, 'hex'));
      if (!signature) return false;
      if (signature.length !== SIGNATURE_BYTES) throw new Error('what the node answered is no signature');
      const text = Buffer.from(signature).toString('base64');
      await this.#write(this.ports.now(), { e: 'signed', signature: text });
      return true;
    }).catch((error: Error) => this.#failed('signed', error));
  }

  /** After all that was appended; rejects where the disk can't be read. */
  head(): Promise<Head> {
    return this.#inTurn(async () => {
      const { number, hash, signed } = await this.#loaded();
      return { number, hash, signed };
    });
  }

  /** From that number on, oldest first; rejects where the disk can't be read. */
  entries(from = 1): Promise<readonly Entry[]> {
    return this.#inTurn(() => readEntries(this.disk, from));
  }

  /** One after the other, whatever becomes of those before. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  async #put(moment: Moment, happening: Happening): Promise<boolean> {
    try {
      await this.#loaded();
      await this.#writeNotes(moment);
      await this.#write(moment, happening);
      this.#said = '';
      return true;
    } catch (error) {
      this.#lost++;
      return this.#failed('written', error as Error);
    }
  }

  /** Each is forgotten when it is on the disk. */
  async #writeNotes(moment: Moment): Promise<void> {
    const tornBytes = this.#tornBytes;
    if (tornBytes > 0) await this.#write(moment, { e: 'torn', bytes: tornBytes });
    this.#tornBytes -= tornBytes;
    const entries = this.#lost;
    if (entries > 0) await this.#write(moment, { e: 'lost', entries });
    this.#lost -= entries;
    const first = this.#trimmedTo;
    if (first > 0) await this.#write(moment, { e: 'trimmed', first });
    if (this.#trimmedTo === first) this.#trimmedTo = 0;
  }

  /** Anew after a failure, and where somebody else has written: what lies behind the last whole entry was torn. */
  async #loaded(): Promise<Tail> {
    const known = this.#tail;
    if (known && (await this.disk.sizeBytes(known.name)) === known.fileBytes) return known;
    const tail = await readTail(this.disk);
    this.#tornBytes = Math.max(this.#tornBytes, tail.tornBytes);
    this.#tail = tail;
    return tail;
  }

  /** Behind the tail, which is known; where this rejects, the file's size tells whether it still is. */
  async #write(moment: Moment, what: Happening | Note): Promise<void> {
    const tail = this.#tail!;
    const number = tail.number + 1;
    const line = lineOf(number, tail.hash, moment, what);
    const lengthBytes = Buffer.byteLength(line) + 1;
    const isFull = tail.sizeBytes + lengthBytes > SEGMENT_MAX_BYTES;
    const name = isFull ? segmentName(number) : tail.name;
    const offset = isFull ? 0 : tail.sizeBytes;
    if (isFull) await this.#makeRoom();
    await this.disk.write(name, offset, `${line}\n`);
    const signed = signedIn({ n: number, before: tail.hash, ...moment, ...what })[0] ?? tail.signed;
    const sizeBytes = offset + lengthBytes;
    this.#tail = { name, sizeBytes, fileBytes: sizeBytes, number, hash: hashOf(line), signed, tornBytes: 0 };
  }

  /** Before the next segment is begun: the bound holds at every moment. */
  async #makeRoom(): Promise<void> {
    const names = await this.disk.list();
    const [kept, ...old] = names.toReversed();
    for (const name of old) await this.disk.remove(name);
    if (kept && old.length > 0) this.#trimmedTo = Number.parseInt(kept, 10);
  }

  #failed(what: 'written' | 'signed', error: Error): false {
    const text = `the journal can't be ${what}: ${error.message}`;
    if (text !== this.#said) this.ports.log(text);
    this.#said = text;
    return false;
  }
}
