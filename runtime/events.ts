import { oneRow, type StreamDeclaration } from '../drivers/contract/index.js';
import type { RuntimeClock } from './clock/index.js';
import type { Store } from './store/index.js';

/** What was done to the node by hand (a report, a calibration), as a stream: it reaches the fleet like any reading. */
export const EVENT_STREAM: StreamDeclaration = {
  name: 'events',
  class: 'event',
  channels: [
    { name: 'kind', quantity: 'text', type: { kind: 'utf8' } },
    { name: 'by', quantity: 'text', type: { kind: 'utf8' } },
    // A text that is longer than one value may be comes in pieces: 1 to `pieces`.
    { name: 'piece', quantity: 'count', type: { kind: 'int' } },
    { name: 'pieces', quantity: 'count', type: { kind: 'int' } },
    { name: 'text', quantity: 'text', type: { kind: 'utf8' } },
  ],
};

/** One value of a block holds 4,096 bytes (docs/wire-format.md); none is cut within a character. */
const PIECE_BYTES = 4000;
const PIECES_MAX = 16;
export const EVENT_MAX_BYTES = PIECE_BYTES * PIECES_MAX;
/** Of who did it, as UTF-8. */
export const EVENT_BY_MAX_BYTES = 64;
/** Whoever waits is told then that the disk has not taken it yet. */
const KEPT_WITHIN_MS = 5_000;

export interface NodeEvent {
  readonly kind: string;
  /** Who did it, as the grant names them. */
  readonly by: string;
  /** At most EVENT_MAX_BYTES as UTF-8. */
  readonly text: string;
}

/** Where an event's rows are, committed. */
export interface RecordedEvent {
  readonly stream: string;
  readonly first: number;
  readonly last: number;
}

/** Keeps an event; resolves once it is synced. Rejects where the disk refuses, or takes its time, and for a text that is too long. */
export async function recordEvent(
  store: Pick<Store, 'declare' | 'append' | 'flush' | 'streams' | 'epoch'>,
  clock: Pick<RuntimeClock, 'nowNs' | 'after'>,
  { kind, by, text }: NodeEvent,
): Promise<RecordedEvent> {
  const pieces = piecesOf(text);
  if (pieces.length > PIECES_MAX) throw new Error(`an event has ${EVENT_MAX_BYTES} bytes at most`);
  if (store.epoch === '') throw new Error('the store is not open: its disk refuses');
  // Only now: a node to which nobody ever did anything has no such stream.
  store.declare({ ...EVENT_STREAM, title: 'What was done to this node by hand' });
  const standing = () => store.streams().find(({ stream }) => stream === EVENT_STREAM.name);
  const first = standing()?.next ?? 0;
  const nowNs = clock.nowNs();
  for (const [i, piece] of pieces.entries())
    store.append(oneRow(EVENT_STREAM.name, nowNs, [kind, by, i + 1, pieces.length, piece]));
  await inTime(store.flush(), clock);
  const last = first + pieces.length - 1;
  if ((standing()?.committed ?? 0) <= last)
    throw new Error(`the disk has not taken it within ${KEPT_WITHIN_MS / 1000} s; it is kept once it does`);
  return { stream: EVENT_STREAM.name, first, last };
}

/** A name as an event bears it: its beginning, where it is longer than that. */
export function eventBy(name: string): string {
  const chars = [...name];
  while (Buffer.byteLength(chars.join('')) > EVENT_BY_MAX_BYTES) chars.pop();
  return chars.join('');
}

async function inTime(work: Promise<void>, clock: Pick<RuntimeClock, 'after'>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = clock.after(KEPT_WITHIN_MS, resolve);
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}

/** Cut between characters. */
function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [];
  let piece = '';
  let bytes = 0;
  for (const char of text) {
    const charBytes = Buffer.byteLength(char);
    if (bytes + charBytes > PIECE_BYTES) {
      pieces.push(piece);
      [piece, bytes] = ['', 0];
    }
    piece += char;
    bytes += charBytes;
  }
  return [...pieces, piece];
}
