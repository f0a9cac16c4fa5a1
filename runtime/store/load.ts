import { type Anchor, LOG_CLASSES, type LogClass } from '../../wire/index.js';
import { decodeAnchor } from './anchors.js';
import { decodeDead } from './dead.js';
import { VALUE_OVERHEAD_BYTES } from './draft.js';
import { StoreError } from './error.js';
import {
  ANCHOR_KEYS,
  DEAD_KEYS,
  deadNumber,
  epochOf,
  GAP_KEYS,
  HEAD_KEY,
  IDENTITY_KEY,
  SETTLED_KEYS,
  STREAM_KEYS,
  type StreamId,
  streamOf,
} from './keys.js';
import type { StreamGap } from './ledger.js';
import type { LevelDb, StoreDeps } from './options.js';
import {
  type ClassLog,
  decodeBounds,
  decodeGap,
  decodeHead,
  decodeJson,
  emptyClasses,
  type Head,
  type Identity,
  STORE_FORMAT,
  type StreamLabel,
  type StreamRecord,
} from './records.js';
import { scanValues } from './scan.js';
import type { DeadLetter } from './types.js';
import { readFooter } from './value.js';

/** Everything in the database but the values. */
export interface Loaded {
  readonly identity: Identity | undefined;
  readonly head: Head | undefined;
  readonly records: readonly StreamRecord[];
  readonly settled: readonly (readonly [stream: StreamId, bounds: readonly number[]])[];
  readonly gaps: readonly (StreamGap & { readonly label?: StreamLabel })[];
  readonly anchors: readonly (readonly [epoch: number, anchor: Anchor])[];
  readonly dead: readonly (readonly [number: number, letter: DeadLetter])[];
  /** Records of the store's own that were damaged. */
  readonly damaged: number;
}

type Crc = Pick<StoreDeps['native'], 'crc32c'>;

/** StoreError `newerFormat` for a store that a later runtime wrote. */
export async function load(db: LevelDb, where: string, native: Crc): Promise<Loaded> {
  const { crc32c } = native;
  const identityBytes = await db.get(IDENTITY_KEY);
  const headBytes = await db.get(HEAD_KEY);
  const identity = decodeJson<Identity>(identityBytes, crc32c);
  refuseNewer(where, identity?.format ?? formatOf(headBytes));
  const head = decodeHead(headBytes, crc32c);
  const records = await collect(db, STREAM_KEYS, (_, value) => decodeJson<StreamRecord>(value, crc32c));
  const settled = await collect(db, SETTLED_KEYS, (key, value) => {
    const stream = streamOf(key);
    const bounds = stream && decodeBounds(value, stream, crc32c);
    return stream && bounds && ([stream, bounds] as const);
  });
  const gaps = await collect(db, GAP_KEYS, (key, value) => {
    const stream = streamOf(key);
    const gap = stream && decodeGap(value, stream, crc32c);
    return stream && gap && { stream, ...gap };
  });
  const anchors = await collect(db, ANCHOR_KEYS, (key, value) => {
    const epoch = epochOf(key);
    const anchor = decodeAnchor(value, crc32c);
    return epoch !== undefined && anchor && ([epoch, anchor] as const);
  });
  const dead = await collect(db, DEAD_KEYS, (key, value) => {
    const letter = key.length === 9 && decodeDead(value, crc32c);
    return letter && ([deadNumber(key), letter] as const);
  });
  const lostOwn = (identityBytes && !identity ? 1 : 0) + (headBytes && !head ? 1 : 0);
  const damaged = records.damaged + settled.damaged + gaps.damaged + anchors.damaged + dead.damaged + lostOwn;
  return {
    identity,
    head,
    records: records.found,
    settled: settled.found,
    gaps: gaps.found,
    anchors: anchors.found,
    dead: dead.found,
    damaged,
  };
}

function refuseNewer(where: string, format: number): void {
  if (format <= STORE_FORMAT) return;
  throw new StoreError(
    'newerFormat',
    where,
    `the store has format ${format}, this runtime knows ${STORE_FORMAT}`,
    {
      hint: 'run the later version of cairn that wrote it; nothing was changed',
    },
  );
}

function formatOf(head: Uint8Array | undefined): number {
  return head && head.length >= 2 ? head[0]! + 256 * head[1]! : 0;
}

async function collect<T>(
  db: LevelDb,
  [from, to]: readonly [Uint8Array, Uint8Array],
  decode: (key: Uint8Array, value: Uint8Array) => T | undefined | false,
): Promise<{ found: readonly T[]; damaged: number }> {
  const found: T[] = [];
  let damaged = 0;
  for await (const [key, value] of db.scan(from, to)) {
    const one = decode(key, value);
    if (one === undefined || one === false) damaged += 1;
    else found.push(one);
  }
  return { found, damaged };
}

/** What the head would say of the values, by walking them all: for a head that is lost. */
export async function recount(
  db: LevelDb,
  native: Crc,
): Promise<{ batch: number; classes: Record<LogClass, ClassLog> }> {
  const classes = emptyClasses();
  let batch = 0;
  for (const name of LOG_CLASSES) {
    // What can't be read is the audit's to tell.
    for await (const [commit, value] of scanValues(db, name, 0, () => undefined)) {
      const log = classes[name];
      classes[name] = {
        floor: log.values === 0 ? commit : log.floor,
        values: log.values + 1,
        blocks: log.blocks + (readFooter(value, native.crc32c)?.length ?? 0),
        bytes: log.bytes + value.length + VALUE_OVERHEAD_BYTES,
      };
      batch = Math.max(batch, commit);
    }
  }
  return { batch, classes };
}
