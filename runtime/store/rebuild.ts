import type { Epoch } from '../../wire/index.js';
import { LOG_CLASSES } from '../../wire/index.js';
import { type Audit, audit, type StreamNamed } from './audit.js';
import type { Loaded } from './load.js';
import type { LevelDb, StoreOptions } from './options.js';
import { type Identity, STORE_FORMAT } from './records.js';
import type { Owner, Reserve } from './reserve.js';
import { scanValuesDown } from './scan.js';
import type { StoreState } from './state.js';

/**
 * What was loaded, with what is told elsewhere in place of what is damaged: the identity by the reserve's word, or by the blocks'; a head
 * that is older than the newest value is none. Epochs that nobody can name keep their place, as ''.
 */
export async function rebuild(
  options: StoreOptions,
  db: LevelDb,
  loaded: Loaded,
  reserve: Reserve | undefined,
): Promise<Loaded> {
  const isStale = loaded.head !== undefined && (await lastCommit(db)) > loaded.head.batch;
  const head = isStale ? undefined : loaded.head;
  const identity = newest(loaded.identity, reserve?.owner);
  if (identity) return { ...loaded, head, identity };
  const found = await audit(db, { native: options.deps.native, find: () => undefined });
  return { ...loaded, head, identity: ofBlocks(options, loaded, found) };
}

/** Ids of streams whose own are lost with all that bore them; no declared stream comes so far. */
const NAMELESS_ID = 60_000;

/**
 * In ended epochs streams may have lost their records, their blocks and their gaps: whatever they had is then in an open gap, by the names
 * that the streams have now.
 */
export function endNameless(state: StoreState): void {
  for (const [index, epoch] of state.identity.epochs.entries()) {
    if (index === state.epochIndex || epoch === '') continue;
    for (const [i, { name, class: logClass }] of state.current.entries()) {
      const isKnown = state.find(epoch, name) !== undefined;
      const ended = isKnown
        ? undefined
        : state.learn({ epoch: index, id: NAMELESS_ID + i }, epoch, name, logClass);
      if (ended) state.gap(ended, { first: 0, last: undefined, cause: 'epochEnd', atMost: true });
    }
  }
}

async function lastCommit(db: LevelDb): Promise<number> {
  let last = 0;
  for (const name of LOG_CLASSES) {
    // What can't be read is the audit's to tell.
    for await (const [commit] of scanValuesDown(db, name, 0, Number.MAX_SAFE_INTEGER, () => undefined)) {
      last = Math.max(last, commit);
      break;
    }
  }
  return last;
}

function newest(identity: Identity | undefined, owner: Owner | undefined): Identity | undefined {
  if (!owner) return identity;
  const isStale = !identity || identity.epochs.length < owner.epochCount || identity.boot < owner.boot;
  if (!isStale) return identity;
  const { node, machineId, bootId, boot, epochCount } = owner;
  const unknown = Array.from(
    { length: epochCount - owner.epochs.length },
    (_, i) => identity?.epochs[i] ?? '',
  );
  return { format: STORE_FORMAT, node, machineId, bootId, boot, epochs: [...unknown, ...owner.epochs] };
}

/** `undefined` for a store that has nothing. */
function ofBlocks({ node }: StoreOptions, loaded: Loaded, found: Audit): Identity | undefined {
  const named: StreamNamed[] = [...found.names.values()];
  const places = [
    ...named.map(({ stream }) => stream.epoch),
    ...loaded.records.map(({ epoch }) => epoch),
    ...loaded.settled.map(([{ epoch }]) => epoch),
    ...loaded.gaps.map(({ stream }) => stream.epoch),
  ];
  if (places.length === 0) return undefined;
  const epochs: Epoch[] = Array.from({ length: Math.max(...places) + 1 }, () => '');
  for (const { stream, epoch } of named) epochs[stream.epoch] = epoch;
  return { format: STORE_FORMAT, node, machineId: '', bootId: '', boot: found.lastBoot, epochs };
}
