import { copyFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** mulberry32: one seed, one sequence of numbers in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const SECTOR = 512;
const PAGE = 4096;

type Harm = (bytes: Buffer, random: () => number) => Buffer;

function below(random: () => number, end: number): number {
  return Math.floor(random() * end);
}

/** To a file's bytes. */
const HARMS: Readonly<Record<string, Harm>> = {
  bit: (bytes, random) => {
    bytes[below(random, bytes.length)]! ^= 1 << below(random, 8);
    return bytes;
  },
  bits: (bytes, random) => {
    for (let n = 2 + below(random, 30); n > 0; n -= 1)
      bytes[below(random, bytes.length)]! ^= 1 << below(random, 8);
    return bytes;
  },
  bytes: (bytes, random) => {
    const at = below(random, bytes.length);
    for (let i = at; i < Math.min(bytes.length, at + 1 + below(random, 64)); i += 1)
      bytes[i] = below(random, 256);
    return bytes;
  },
  truncated: (bytes, random) => bytes.subarray(0, below(random, bytes.length)),
  'page of zeros': (bytes, random) => {
    const at = PAGE * below(random, Math.ceil(bytes.length / PAGE));
    return bytes.fill(0, at, Math.min(bytes.length, at + PAGE));
  },
  'page of another': (bytes, random) => {
    const pages = Math.ceil(bytes.length / PAGE);
    bytes.copy(bytes, PAGE * below(random, pages), PAGE * below(random, pages), PAGE * below(random, pages));
    return bytes;
  },
  'sectors swapped': (bytes, random) => {
    const sectors = Math.floor(bytes.length / SECTOR);
    if (sectors < 2) return bytes;
    const [one, other] = [SECTOR * below(random, sectors), SECTOR * below(random, sectors)];
    const kept = Buffer.from(bytes.subarray(one, one + SECTOR));
    bytes.copy(bytes, one, other, other + SECTOR);
    kept.copy(bytes, other);
    return bytes;
  },
  garbage: (bytes, random) => {
    for (let i = 0; i < bytes.length; i += 1) bytes[i] = below(random, 256);
    return bytes;
  },
  grown: (bytes, random) => Buffer.concat([bytes, Buffer.alloc(1 + below(random, PAGE), below(random, 256))]),
};

/** Files of the store, but the lock and LevelDB's own diary. */
export function filesOf(path: string): readonly string[] {
  const inside = readdirSync(join(path, 'level')).map((name) => join('level', name));
  const outside = readdirSync(path).filter((name) => statSync(join(path, name)).isFile());
  return [...outside, ...inside].filter((name) => !/LOCK$|LOG(\.old)?$/.test(name)).toSorted();
}

/** Damages one file, sometimes two; returns what was done, for people. */
export function damage(path: string, random: () => number): string {
  const done: string[] = [];
  for (let times = random() < 0.15 ? 2 : 1; times > 0; times -= 1) done.push(once(path, random));
  return done.join(', ');
}

function once(path: string, random: () => number): string {
  const names = filesOf(path);
  const name = names[below(random, names.length)]!;
  const file = join(path, name);
  const kind = random();
  if (kind < 0.08) {
    rmSync(file);
    return `${name} removed`;
  }
  if (kind < 0.12) {
    const other = names[below(random, names.length)]!;
    copyFileSync(join(path, other), file);
    return `${name} overwritten with ${other}`;
  }
  const bytes = readFileSync(file);
  if (bytes.length === 0) return `${name} is empty`;
  const harms = Object.entries(HARMS);
  const [what, harm] = harms[below(random, random() < 0.4 ? 2 : harms.length)]!;
  writeFileSync(file, harm(bytes, random));
  return `${name}: ${what}`;
}
