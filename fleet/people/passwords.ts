import { type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { PeopleError, type Sources } from './types.js';

/** RFC 7914 §2. */
export interface Cost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

export type Scrypt = (password: string, salt: Uint8Array, cost: Cost) => Promise<Uint8Array>;

/** 32 MiB, as much work as N = 2^17, p = 1: the OWASP Password Storage Cheat Sheet has both on one line. */
const COST: Cost = { N: 2 ** 15, r: 8, p: 3 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** For a name that nobody has: the same work as for one that somebody has. */
const NOBODY = new Uint8Array(SALT_BYTES);
/** So many at a time, 32 MiB each; the others wait, at most so many. */
const AT_ONCE = 2;
const MAX_WAITING = 32;
const BUSY_MS = 5_000;

const MIN_LENGTH = 12;
const MAX_LENGTH = 256;

export const nodeScrypt: Scrypt = (password, salt, cost) =>
  new Promise((resolve, reject) => {
    const options: ScryptOptions = { ...cost, maxmem: 256 * cost.N * cost.r };
    scrypt(password, salt, HASH_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)));
  });

/** Keeps passwords as `$scrypt$ln=15,r=8,p=3$salt$hash` (the PHC string format). */
export class Passwords {
  readonly #random: Sources['random'];
  readonly #scrypt: Scrypt;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor({ random }: Sources, scrypt: Scrypt) {
    this.#random = random;
    this.#scrypt = scrypt;
  }

  /** Rejects with PeopleError `input` where it is too short or long, `busy`. */
  async hash(password: string): Promise<string> {
    const plain = normal(password);
    const length = [...plain].length;
    if (length < MIN_LENGTH || length > MAX_LENGTH)
      throw new PeopleError('input', `A password has ${MIN_LENGTH} to ${MAX_LENGTH} characters.`);
    return this.#record(plain);
  }

  /** Whether it is the password of that record; undefined: of nobody, after the same work. `renewed`: what to keep from now on. */
  async check(
    password: string,
    record: string | undefined,
  ): Promise<{ readonly isRight: boolean; readonly renewed?: string }> {
    const plain = normal(password).slice(0, MAX_LENGTH + 1);
    const { cost, salt, hash } = parse(record) ?? { cost: COST, salt: NOBODY, hash: undefined };
    const found = await this.#inTurn(() => this.#scrypt(plain, salt, cost));
    if (!hash || !timingSafeEqual(found, hash)) return { isRight: false };
    const isCurrent = cost.N === COST.N && cost.r === COST.r && cost.p === COST.p;
    return isCurrent ? { isRight: true } : { isRight: true, renewed: await this.#record(plain) };
  }

  async #record(plain: string): Promise<string> {
    const salt = this.#random(SALT_BYTES);
    const hash = await this.#inTurn(() => this.#scrypt(plain, salt, COST));
    return `$scrypt$ln=${Math.log2(COST.N)},r=${COST.r},p=${COST.p}$${base64(salt)}$${base64(hash)}`;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) await this.#turn();
    else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING)
      throw new PeopleError('busy', 'Too many people sign in at this moment. Try again soon.', BUSY_MS);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** The same characters, however a keyboard composes them (NIST SP 800-63B §3.1.1.2). */
function normal(password: string): string {
  return password.normalize('NFKC');
}

function parse(record: string | undefined) {
  const [, ln, r, p, salt, hash] =
    /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(record ?? '') ?? [];
  if (!salt || !hash) return undefined;
  const cost: Cost = { N: 2 ** Number(ln), r: Number(r), p: Number(p) };
  return { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

/** Without padding. */
function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '');
}
