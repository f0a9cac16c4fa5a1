import { createHash } from 'node:crypto';
import type { TextFiles } from '../../runtime/text-files.js';
import type { Bundle, Request } from '../../runtime/update/index.js';
import { Keeper } from '../../runtime/update/keeper.js';
import { State } from '../../runtime/update/state-files.js';

/** The process dies here. */
export class Died extends Error {}

/** Files whose writes are whole or not at all, and at one of which the process may die. */
export class MemoryFiles implements TextFiles {
  readonly files = new Map<string, string>();
  /** The process dies at the so many-th change from now on: before it is done, or after. */
  dieAt: { left: number; readonly isDone: boolean } | undefined;
  /** The disk takes nothing. */
  refuses = false;
  /** The process is dead: nothing that it still does reaches the disk. */
  isDead = false;

  read(name: string): string | undefined {
    return this.files.get(name);
  }

  write(name: string, text: string): void {
    this.#change(() => this.files.set(name, text));
  }

  remove(name: string): void {
    this.#change(() => this.files.delete(name));
  }

  setAside(name: string): void {
    this.#change(() => this.files.delete(name));
  }

  #change(change: () => unknown): void {
    if (this.refuses) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    if (this.isDead) throw new Died();
    this.isDead = this.dieAt !== undefined && --this.dieAt.left <= 0;
    if (!this.isDead || this.dieAt?.isDone) change();
    if (this.isDead) throw new Died();
  }
}

/** A bundle of one file; SHA-256 by the rule of docs/operations.md, reckoned here. */
export function bundleOf(text: string, main = '/etc/cairn/node.yaml'): Bundle {
  const sha256 = createHash('sha256').update(`${main}\0${text}\0`).digest('hex');
  return { main, files: { [main]: text }, sha256 };
}

export const FILE = bundleOf('the node file');

/** A machine with one node on it: time, boots, and the process's life. */
export class Machine {
  readonly disk = new MemoryFiles();
  readonly said: string[] = [];
  bootMs = 1_000;
  #boot = 1;
  #ids = 0;

  constructor(readonly options: { readonly isRestarted?: boolean; readonly isFileRight?: boolean } = {}) {}

  /** A process begins. */
  keeper(file: Bundle = FILE): Keeper {
    const { isRestarted = true, isFileRight = true } = this.options;
    return new Keeper({
      ...{ file, isFileRight, isRestarted, lastEnd: undefined },
      state: new State(this.disk, (text) => this.said.push(text)),
      now: () => ({ bootId: `boot ${this.#boot}`, ms: this.bootMs }),
      say: (_, text) => this.said.push(text),
    });
  }

  reboot(): void {
    this.#boot++;
    this.bootMs = 1_000;
  }

  apply(bundle: Bundle, minutes = 10): Extract<Request, { kind: 'apply' }> {
    return { kind: 'apply', id: this.#id(), by: 'technician kim', bundle, minutes };
  }

  confirm(bundle: Bundle): Request {
    return { kind: 'confirm', id: this.#id(), by: 'technician kim', sha256: bundle.sha256 };
  }

  revert(to: 'before' | 'file' = 'before'): Request {
    return { kind: 'revert', id: this.#id(), by: 'technician kim', to };
  }

  #id(): string {
    return (++this.#ids).toString(16);
  }
}
