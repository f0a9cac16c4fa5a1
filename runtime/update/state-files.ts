import { parseRecord, type TextFiles } from '../text-files.js';
import { RECORDS, type Records } from './records.js';

/** The records of a state folder, as they were read once and as they were written since. */
export class State {
  readonly #records: Partial<Records> = {};
  #damaged: Partial<Record<keyof Records, string>> = {};

  constructor(
    private readonly files: TextFiles,
    private readonly warn: (text: string) => void,
  ) {
    for (const name of Object.keys(RECORDS) as (keyof Records)[]) this.#load(name);
  }

  #load<N extends keyof Records>(name: N): void {
    try {
      const text = this.files.read(`${name}.json`);
      if (text !== undefined) this.#records[name] = parseRecord(RECORDS[name], text) as Partial<Records>[N];
    } catch (error) {
      this.#damaged[name] = (error as Error).message;
    }
  }

  get<N extends keyof Records>(name: N): Records[N] | undefined {
    return this.#records[name];
  }

  /** Kept once it returns; throws where the disk refuses, and then all is as it was. */
  put<N extends keyof Records>(name: N, record: Records[N]): void {
    this.files.write(`${name}.json`, JSON.stringify(record));
    this.#records[name] = record;
  }

  /** For what must go on though the disk refuses: this process goes by the new record, and the next reads the old one. */
  tryPut<N extends keyof Records>(name: N, record: Records[N]): void {
    this.#records[name] = record;
    this.#tried(name, () => this.files.write(`${name}.json`, JSON.stringify(record)));
  }

  /** The same for a record that goes. */
  tryDrop(name: keyof Records): void {
    if (!this.#records[name]) return;
    delete this.#records[name];
    this.#tried(name, () => this.files.remove(`${name}.json`));
  }

  /** Records that are there and can't be read, with the reason, once; they are out of the way from then on. */
  takeDamaged(): Readonly<Partial<Record<keyof Records, string>>> {
    const damaged = this.#damaged;
    this.#damaged = {};
    for (const name of Object.keys(damaged)) this.#tried(name, () => this.files.setAside(`${name}.json`));
    return damaged;
  }

  #tried(name: string, write: () => void): void {
    try {
      write();
    } catch (error) {
      this.warn(`${name}.json could not be written: ${(error as Error).message}`);
    }
  }
}
