import { cpSync, rmSync } from 'node:fs';
import { type Store, type StoreOptions, verifyStore } from '../../runtime/store/index.js';
import { LOG_CLASSES } from '../../wire/index.js';
import { damage, randomOf } from './corruption-damage.js';
import {
  openDeclared,
  type Receiver,
  someRows,
  type Template,
  templateOptions,
} from './corruption-template.js';
import { testDeps } from './support.js';

const ROUNDS = 15;

export interface TrialResult {
  readonly seed: number;
  readonly harm: string;
  /** What is against the promise; empty: all is well. */
  readonly faults: readonly string[];
  readonly isNewEpoch: boolean;
  /** Rows that came through, of those that lay in the store. */
  readonly servedRows: number;
  readonly ms: number;
}

/** Damages a copy of the template, opens it as a node does, drains it, and holds what came against what was written. */
export async function trial(template: Template, seed: number, path: string): Promise<TrialResult> {
  const began = performance.now();
  const random = randomOf(seed);
  rmSync(path, { recursive: true, force: true });
  cpSync(template.path, path, { recursive: true });
  const harm = damage(path, random);
  const receiver = template.receiver.copy();
  const faults: string[] = [];
  const options = templateOptions(path, { bootId: 'boot-4', deps: quietDeps() });
  let [epoch, servedRows] = ['', 0];
  try {
    const store = await openTracked(options);
    epoch = store.epoch;
    servedRows = await live(store, receiver, random, faults);
    await again(options, receiver, faults);
    account(template, receiver, faults);
    const verdict = await verifyStore(path, options.deps);
    faults.push(...verdict.problems.map((problem) => `verify: ${problem}`));
  } catch (error) {
    faults.push(`threw ${error instanceof Error ? error.stack : String(error)}`);
  }
  await closeAll();
  const isNewEpoch = ![...template.next.keys()].some((key) => key.startsWith(epoch));
  return { seed, harm, faults, isNewEpoch, servedRows, ms: performance.now() - began };
}

/** What a fault left open. */
async function closeAll(): Promise<void> {
  for (const store of opened.splice(0)) await store.close();
}

const opened: Store[] = [];

async function openTracked(options: StoreOptions): Promise<Store> {
  const store = await openDeclared(options);
  opened.push(store);
  return store;
}

function quietDeps(): StoreOptions['deps'] {
  const said = process.env.CAIRN_ROT_LOG
    ? (level: string, text: string) => process.stderr.write(`${level} ${text}\n`)
    : () => undefined;
  const real = testDeps({ log: said });
  return {
    ...real,
    // A start looks for a second, which is ample for these; a machine that has no time must not make it short, and LevelDB end the process
    // over what nobody looked at (online-repair.test.ts has that).
    checkTables: (path, look) => real.checkTables!(path, look.pause ? look : { goOn: () => true }),
  };
}

/** The node's life after the damage: new rows, all read and received. */
async function live(
  store: Store,
  receiver: Receiver,
  random: () => number,
  faults: string[],
): Promise<number> {
  for (const name of ['t', 'a', 'l']) store.append(someRows(random, name, 3));
  await store.flush();
  let rows = await drain(store, receiver, faults);
  await audited(store, faults);
  rows += await drain(store, receiver, faults);
  const { streams } = store.status();
  for (const { stream, committed } of streams) {
    for (const [from, to] of receiver.missing(`${store.epoch} ${stream}`, committed))
      faults.push(`${stream}: ${from} to ${to - 1} of the current epoch are nowhere`);
  }
  await store.close();
  return rows;
}

/** Opened once more there is nothing to tell: what was received stays received. */
async function again(options: StoreOptions, receiver: Receiver, faults: string[]): Promise<void> {
  const store = await openTracked(options);
  await audited(store, faults);
  const rows = await drain(store, receiver, faults);
  if (rows > 0) faults.push(`${rows} rows were served again after the next opening`);
  await store.close();
}

/** Reads and receives until there is nothing more; returns the rows that were no meta rows. */
async function drain(store: Store, receiver: Receiver, faults: string[]): Promise<number> {
  let rows = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    await store.publishGaps();
    let blocks = 0;
    for (const name of LOG_CLASSES) {
      const found = await store.read(name, undefined, 1000, 1e9);
      blocks += found.length;
      for (const block of found) {
        receiver.take(block);
        if (name !== 'meta') rows += block.header.count;
      }
      store.dispose(found.map(({ position }) => ({ position, kind: 'receipt' })));
    }
    await store.flush();
    if (blocks === 0) return rows;
  }
  faults.push('it never ends: blocks are served again and again');
  return rows;
}

async function audited(store: Store, faults: string[]): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 2) {
    const { audit } = store.status();
    if (!audit.running && audit.done > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  faults.push('the audit did not end');
}

function account(template: Template, receiver: Receiver, faults: string[]): void {
  for (const conflict of receiver.conflicts) faults.push(`two contents of one block: ${conflict}`);
  for (const [key, next] of template.next) {
    for (const [from, to] of receiver.missing(key, next))
      faults.push(`${key}: ${from} to ${to - 1} are silent`);
  }
}
