import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Channel, Rows } from '../../drivers/contract/index.js';
import { native } from '../../native/index.js';
import {
  openStore,
  type Store,
  type StoreDeps,
  type StoreOptions,
  storeDefaults,
} from '../../runtime/store/index.js';
import { type Gap, LOG_CLASSES, type LogClass } from '../../wire/index.js';
import { decodeMeta } from '../../wire/meta.js';

export const CHANNELS: readonly Channel[] = [
  { name: 'temperature', quantity: 'temperature', type: { kind: 'decimal', scale: 2 } },
  { name: 'count', quantity: 'count', type: { kind: 'int' } },
];

export function testDeps(change: Partial<StoreDeps> = {}): StoreDeps {
  return { ...storeDefaults(() => undefined), ...change };
}

export function testOptions(path: string, change: Partial<StoreOptions> = {}): StoreOptions {
  return {
    path,
    node: '0123456789abcdef',
    machineId: 'machine-1',
    bootId: '11111111-1111-1111-1111-111111111111',
    software: 'cairn test',
    sizeBytes: 16 * 1024 * 1024,
    quotaPercent: { alarm: 10, event: 10, telemetry: 40, bulk: 20, log: 10 },
    commitIntervalMs: 5,
    reserveAheadMs: 1000,
    memoryBytes: 1024 * 1024,
    deps: testDeps(),
    ...change,
  };
}

const opened: Store[] = [];

/** A directory that is gone after the test, and with it the stores that it left open. */
export function temporary(
  t: { after(run: () => Promise<void>): void },
  beforeRemoval?: () => void,
  wishedParent = '',
): string {
  const parent = existsSync(wishedParent) ? wishedParent : (process.env.CAIRN_TEST_TMP ?? tmpdir());
  const path = mkdtempSync(join(parent, 'cairn-store-'));
  t.after(async () => {
    for (const store of opened.splice(0)) await store.close();
    beforeRemoval?.();
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

/** A store with the streams `t` (telemetry), `e` (event), `a` (alarm), `l` (log). */
export async function openTest(options: StoreOptions): Promise<Store> {
  const store = await openStore(options);
  opened.push(store);
  const named = { t: 'telemetry', e: 'event', a: 'alarm', l: 'log' } as const;
  for (const [name, streamClass] of Object.entries(named)) {
    store.declare({ name, class: streamClass, title: `stream ${name}`, channels: CHANNELS });
  }
  return store;
}

/** Rows whose `count` says what they are. */
export function rowsOf(stream: string, counts: readonly number[]): Rows {
  const values = new Float64Array(2 * counts.length);
  for (const [i, count] of counts.entries()) values.set([count / 100, count], 2 * i);
  return {
    stream,
    timesNs: BigInt64Array.from(counts, (count) => BigInt(count) * 1_000_000n),
    values,
    quality: new Uint8Array(2 * counts.length),
  };
}

export interface Held {
  readonly epoch: string;
  readonly stream: string;
  readonly sequence: number;
  readonly count: number;
}

/** Every stored row of the streams (not meta), in the order of the log. */
export async function heldRows(store: Store, classes: readonly LogClass[] = LOG_CLASSES): Promise<Held[]> {
  const held: Held[] = [];
  for (const name of classes) {
    if (name === 'meta') continue;
    for (const { bytes } of await store.read(name, undefined, 1e6, 1e9)) {
      const { header, values } = native.decodeBlock(bytes);
      for (let i = 0; i < header.count; i += 1) {
        const count = values[2 * i + 1]!;
        held.push({ epoch: header.epoch, stream: header.stream, sequence: header.first + i, count });
      }
    }
  }
  return held;
}

/** Every gap that the store knows of: in the ledger, and in stored meta rows. */
export async function allGaps(store: Store): Promise<Gap[]> {
  const gaps = [...store.openGaps()];
  for (const { bytes } of await store.read('meta', undefined, 1e6, 1e9)) {
    for (const text of native.decodeBlock(bytes).texts ?? []) {
      const record = decodeMeta(text as Uint8Array);
      if (record.kind === 'gap') gaps.push(record.value);
    }
  }
  return gaps;
}

/** Waits for what another turn of the event loop brings. */
export async function until(holds: () => boolean, timeoutMs = 60_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error('it did not come to hold in time');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
