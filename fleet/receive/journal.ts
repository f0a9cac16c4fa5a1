import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Fact } from './ledger.js';

/** Further lines after which the file is written anew, from the ledger; not before they are as long as what was written then. */
const COMPACT_LINES = 20_000;

/**
 * The ledger's file: a fact a line, JSON. A line is synced before the PUBACK of its message goes out, so a receiver that is killed loses
 * nothing: what wasn't written is sent again. A torn last line is such a one.
 */
export class Journal {
  #file: FileHandle | undefined;
  #lines = 0;
  #bytes = 0;
  #rewrittenBytes = 0;

  constructor(readonly path: string) {}

  /** The facts so far; an absent file has none. Opens the file for appending. */
  async open(): Promise<readonly Fact[]> {
    const text = await readFile(this.path, 'utf8').catch(absentIsEmpty);
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const facts = whole
      .split('\n')
      .filter(Boolean)
      .map((line, at) => this.#parse(line, at + 1));
    await this.rewrite(facts);
    return facts;
  }

  #parse(line: string, number: number): Fact {
    try {
      return JSON.parse(line) as Fact;
    } catch (cause) {
      throw new Error(
        `${this.path}:${number}: not a line of a ledger; move the file away to begin a new one`,
        { cause },
      );
    }
  }

  /** Resolves when the facts are on the disk. */
  async append(facts: readonly Fact[]): Promise<void> {
    if (facts.length === 0) return;
    if (!this.#file) throw new Error(`${this.path}: not open`);
    const text = lines(facts);
    await this.#file.appendFile(text);
    await this.#file.datasync();
    this.#lines += facts.length;
    this.#bytes += text.length;
  }

  get isLong(): boolean {
    return this.#lines > COMPACT_LINES && this.#bytes > this.#rewrittenBytes;
  }

  /** Writes the file anew, atomically: the old one, or the new one, is there at any time. */
  async rewrite(facts: Iterable<Fact>): Promise<void> {
    const fresh = `${this.path}.new`;
    const file = await open(fresh, 'w', 0o600);
    const text = lines(facts);
    await file.writeFile(text);
    await file.sync();
    await file.close();
    await this.#file?.close();
    await rename(fresh, this.path);
    await syncDirectory(dirname(this.path));
    this.#file = await open(this.path, 'a');
    this.#lines = 0;
    this.#bytes = 0;
    this.#rewrittenBytes = text.length;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }
}

function lines(facts: Iterable<Fact>): string {
  let text = '';
  for (const fact of facts) text += `${JSON.stringify(fact)}\n`;
  return text;
}

function absentIsEmpty(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
