import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { DeadLetters, Ingest, type IngestOptions, Spool } from '../../../fleet/ingest/index.js';
import type { DecodedHeader } from '../../../native/index.js';
import { FakeStore } from './fake-store.js';

const folder = mkdtempSync(join(tmpdir(), 'cairn-ingest-'));
const running: Ingest[] = [];
after(async () => {
  for (const ingest of running) await ingest.close();
  rmSync(folder, { recursive: true, force: true });
});
let count = 0;

/** An ingest over a store in memory, with spools in a folder of its own; closed after the tests. */
export async function rig(
  options: Partial<IngestOptions> & { maxBytes?: number; deadBytes?: number; folder?: string } = {},
) {
  const store = new FakeStore();
  const at = options.folder ?? join(folder, String(++count));
  const receipts: string[] = [];
  const refusals: string[] = [];
  const states: string[] = [];
  const spool = await Spool.open({ folder: join(at, 'spool'), maxBytes: options.maxBytes ?? 1 << 20 });
  const alarmSpool = await Spool.open({ folder: join(at, 'alarm-spool'), maxBytes: 1 << 20 });
  const deadLetters = await DeadLetters.open(join(at, 'dead-letters'), options.deadBytes ?? 1 << 20);
  const ingest = new Ingest({
    ...{ store, spool, alarmSpool, deadLetters, nowMs: Date.now },
    receipts: { held: ({ stream, first }: DecodedHeader) => receipts.push(`${stream} ${first}`) },
    onRefusal: ({ cause }) => refusals.push(cause),
    onState: ({ kind }) => states.push(kind),
    ...options,
  });
  running.push(ingest);
  const take = ({ topic, payload }: { topic: string; payload: Uint8Array }) => ingest.take(topic, payload);
  return {
    store,
    spool,
    alarmSpool,
    ingest,
    receipts,
    refusals,
    states,
    take,
    at,
    dead: join(at, 'dead-letters'),
  };
}

export const HELD = { kind: 'held' };
