import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseFlight } from './record.js';
import type { FlightOut } from './recorder.js';

const NOW = 'flight.jsonl';
const BEFORE = 'flight.before.jsonl';
const DUMP = /^(\d{1,9})\.jsonl$/;
/** Of 256 KiB each, in the store's directory, which counts them in its size. */
const DUMPS = 2;
/** A shorter life leaves a dump only where there is room for one. */
const SHORT_MS = 60_000;

/** The record in a folder that outlives the process, such as a service's RUNTIME_DIRECTORY: in memory, so it costs no flash. */
export class FlightFiles implements FlightOut {
  constructor(
    private readonly folder: string,
    private readonly dumpFolder: string,
  ) {}

  append(text: string): void {
    appendFileSync(join(this.folder, NOW), text, { mode: 0o640 });
  }

  turn(): void {
    if (existsSync(join(this.folder, NOW))) renameSync(join(this.folder, NOW), join(this.folder, BEFORE));
  }

  get bytes(): number {
    return statSync(join(this.folder, NOW), { throwIfNoEntry: false })?.size ?? 0;
  }

  /** A dump of what the run before this one left, where it did not stop in order. The record goes on: what led to a restart matters after it. */
  begin(): string | undefined {
    const text = this.#text();
    const lines = parseFlight(text);
    const last = lines.at(-1);
    // A kill in the midst of a line: the next begins on one of its own.
    if (text !== '' && !text.endsWith('\n')) this.append('\n');
    if (!last || last.e === 'stop') return undefined;
    const livedMs = last.t - (lines.findLast(({ e }) => e === 'start')?.t ?? 0);
    // A crash loop must not push out what led to it.
    return dumpsIn(this.dumpFolder).length < DUMPS || livedMs >= SHORT_MS ? this.#dump(text) : undefined;
  }

  /** A dump of the run as it is; its path. */
  dump(): string {
    return this.#dump(this.#text());
  }

  #text(): string {
    return [BEFORE, NOW]
      .map((name) => join(this.folder, name))
      .filter((path) => existsSync(path))
      .map((path) => readFileSync(path, 'utf8'))
      .join('');
  }

  #dump(text: string): string {
    mkdirSync(this.dumpFolder, { recursive: true, mode: 0o750 });
    const numbers = dumpsIn(this.dumpFolder);
    const path = join(this.dumpFolder, `${(numbers.at(-1) ?? 0) + 1}.jsonl`);
    for (const number of numbers.slice(0, Math.max(0, numbers.length - DUMPS + 1)))
      rmSync(join(this.dumpFolder, `${number}.jsonl`), { force: true });
    writeFileSync(`${path}.part`, text, { mode: 0o640 });
    renameSync(`${path}.part`, path);
    return path;
  }
}

/** The newest dump in a folder. */
export function latestDump(folder: string): string | undefined {
  const number = dumpsIn(folder).at(-1);
  return number === undefined ? undefined : join(folder, `${number}.jsonl`);
}

/** Numbers of the dumps, oldest first. */
function dumpsIn(folder: string): readonly number[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => DUMP.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}
