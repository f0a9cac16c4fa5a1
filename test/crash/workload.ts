// The process whose disk is cut: `workload.js FOLDER SEED STEPS clean|cut`. Writes to the store in FOLDER/store what the seed says, and
// tells in FOLDER/said what it promises.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seeded } from '../../hil/random.js';
import { native } from '../../native/index.js';
import { openStore, type Store, StoreError } from '../../runtime/store/index.js';
import { LOG_CLASSES } from '../../wire/index.js';
import { crashOptions, STORE } from './options.js';
import { declareAll, nextOf, rowsFrom, STREAMS } from './rows.js';
import { say } from './said.js';

const [folder = '', seed = '', steps = '', ending = ''] = process.argv.slice(2);
const random = seeded(Number(seed));

function upTo(most: number): number {
  return 1 + Math.floor(random() * most);
}

/** As a node does it: while the disk refuses, the store can't be opened, and it is tried again. */
async function opened(): Promise<Store> {
  for (;;) {
    try {
      return await openStore(crashOptions(join(folder, STORE), { bootId: `boot-${seed}` }));
    } catch (error) {
      if (!(error instanceof StoreError && error.kind === 'io')) throw error;
      await delay(10);
    }
  }
}

/** A store that tells what it has promised. */
async function open(): Promise<Store> {
  const store = await opened();
  say(folder, { is: 'open', epoch: store.epoch });
  declareAll(store);
  const from = new Map(STREAMS.map(({ name }) => [name, nextOf(store, name)]));
  const told = new Map<string, number>(from);
  store.onCommit(() => {
    for (const { stream, committed } of store.status().streams) {
      const first = from.get(stream as (typeof STREAMS)[number]['name']);
      if (first === undefined || committed <= told.get(stream)!) continue;
      told.set(stream, committed);
      say(folder, { is: 'committed', stream, from: first, to: committed });
    }
  });
  return store;
}

/** Appends some rows of a stream; waits first while rows of it wait for numbers, so that each row's number is known. */
async function append(store: Store): Promise<void> {
  const { name } = STREAMS[Math.floor(random() * STREAMS.length)]!;
  const first = nextOf(store, name);
  const rows = name === 'b' ? upTo(4) : name === 'a' ? 1 : upTo(10);
  store.append(rowsFrom(name, first, rows));
  if (nextOf(store, name) < first + rows) await store.flush();
  say(folder, { is: 'given', stream: name, from: first, to: nextOf(store, name) });
}

/** Frees the oldest blocks of a class, as receipts would. Not of the meta stream: its gaps are looked for. */
async function free(store: Store): Promise<void> {
  const classes = LOG_CLASSES.filter((name) => name !== 'meta');
  const blocks = await store.read(
    classes[Math.floor(random() * classes.length)]!,
    undefined,
    upTo(20),
    64 * 1024,
  );
  for (const { bytes } of blocks) {
    const { stream, first, count } = native.decodeHeader(bytes);
    say(folder, { is: 'freed', stream, from: first, to: first + count });
  }
  store.dispose(blocks.map(({ position }) => ({ position, kind: 'receipt' })));
}

async function step(store: Store): Promise<Store> {
  await append(store);
  const chance = random();
  if (chance < 0.55) await store.flush();
  else if (chance < 0.65) await free(store);
  else if (chance < 0.68) await store.publishGaps();
  else if (chance < 0.7) {
    await store.close();
    return open();
  }
  return store;
}

let store = await open();
for (let left = Number(steps); left > 0; left -= 1) store = await step(store);
if (ending === 'clean') await store.close();
process.exit(0);
