import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
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

  /** What a run before this one left: a dump of it where it did not stop in order. The record begins anew. */
  begin(): string | undefined {
    const text = this.#text();
    const lines = parseFlight(text);
    const last = lines.at(-1);
    // A crash loop must not push out what led to it.
    const isWorthIt =
      dumpsIn(this.dumpFolder).length < DUMPS || (last?.t ?? 0) - (lines[0]?.t ?? 0) >= SHORT_MS;
    const dump = last && last.e !== 'stop' && isWorthIt ? this.#dump(text) : undefined;
    for (const name of [NOW, BEFORE]) rmSync(join(this.folder, name), { force: true });
    return dump;
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
