import { type LogClass, META_STREAM } from '../../wire/index.js';
import type { Queries } from '../db/index.js';
import { type Batch, nameOf, openBatch, streamOf } from './batch.js';
import type { Days } from './days.js';
import { duplicate, type Judged, refused } from './judged.js';
import { applyRecord, keepUnread } from './meta.js';
import { keyOf } from './names.js';
import { updateNodes } from './node-rows.js';
import { judgePack } from './packs.js';
import type { Positions } from './positions.js';
import type { TimesCache } from './row-times.js';
import { isLogShape, rowsOfBlock } from './rows.js';
import type { StreamState } from './stream-state.js';
import type { Incoming, IncomingBlock, StreamRef, Taken } from './types.js';
import { type StreamRows, writeLedger, writeRows } from './write.js';

const MAX_BATCH = 1_024;
/** Beyond, a batch would take more memory than a small machine has. */
const MAX_ROWS = 131_072;

/** What is too much at once: a fault of who calls. Throws RangeError. */
export function assertBounded(incoming: readonly Incoming[]): void {
  const rows = incoming.reduce(
    (sum, one) => sum + (one.kind === 'pack' ? one.wallNs.length : one.header.count),
    0,
  );
  if (incoming.length > MAX_BATCH || rows > MAX_ROWS)
    throw new RangeError(
      `${incoming.length} blocks of ${rows} rows at once, at most ${MAX_BATCH} of ${MAX_ROWS} are a batch`,
    );
}

export interface TakeParts {
  readonly cache: TimesCache;
  readonly days: Days;
  readonly positions: Positions;
}

/** What a transaction took; `keep` is for after its commit. */
export interface TakenBatch {
  readonly taken: readonly Taken[];
  keep(): void;
}

export async function takeAll(
  tx: Queries,
  incoming: readonly Incoming[],
  receivedMs: number,
  { cache, days, positions }: TakeParts,
): Promise<TakenBatch> {
  const batch = await openBatch(tx, incoming, receivedMs, cache);
  const judged: Judged[] = [];
  for (const one of incoming) judged.push(await judge(tx, batch, one, receivedMs));
  const rows = judged.map((one) => rowsOf(batch, one, receivedMs));
  const written = rows.flat();
  days.mustHave(written, receivedMs);
  for (const one of written) noteLatest(one);
  await writeRows(tx, written, receivedMs);
  const touched = [...batch.streams.values()].filter((stream) => stream.touched);
  await writeLedger(tx, touched, receivedMs);
  await updateNodes(tx, batch, judged, written, receivedMs, positions);
  return {
    taken: judged.map((one, i) => takenOf(one, rows[i]!)),
    keep: () => {
      for (const { row, times } of batch.states.values()) cache.keep(row.id, row.anchors_version, times);
    },
  };
}

async function judge(tx: Queries, batch: Batch, incoming: Incoming, nowMs: number): Promise<Judged> {
  const name = nameOf(incoming);
  const stream = streamOf(batch, name);
  if (!stream) return refused(incoming, `no room for ${name.node}/${name.epoch}/${name.stream}`);
  if (incoming.kind === 'pack') return judgePack(tx, stream, incoming, nowMs);
  const { first, count, crc } = incoming.header;
  const verdict = stream.judge(first, count, crc);
  if (verdict === 'full') return refused(incoming, `no room for a range of ${name.stream}`, stream);
  const wrong = verdict === 'duplicate' ? undefined : setClass(stream, incoming);
  if (wrong) return refused(incoming, wrong, stream);
  if (verdict === 'duplicate') return duplicate(incoming, stream);
  const roomless = await applyMeta(tx, batch, incoming, nowMs);
  if (roomless > 0)
    return refused(
      incoming,
      `no room for ${roomless} of ${count} records of ${name.stream} ${first}`,
      stream,
    );
  if (verdict === 'conflict') await keepConflict(tx, stream, incoming, nowMs);
  return { incoming, verdict, stream, pieces: stream.receive(first, count, crc) };
}

/** Log lines lie in a table of their own; a stream stays where it began. */
function setClass({ row }: StreamState, { logClass, columns }: IncomingBlock): string | undefined {
  const isLog = logClass === 'log' && isLogShape(columns.map(({ kind }) => kind)) ? 1n : 0n;
  if (row.is_log !== null && row.is_log !== isLog)
    return `rows of ${row.name} that ${isLog ? 'are' : 'are not'} log lines, unlike those before`;
  row.is_log = isLog;
  row.class = logClass;
  return undefined;
}

/** What found room stays; the block as a whole is received only if all of it did, so that its node keeps the rest. */
async function applyMeta(tx: Queries, batch: Batch, block: IncomingBlock, nowMs: number): Promise<number> {
  if (block.header.stream !== META_STREAM || !block.meta) return 0;
  const epoch = batch.states.get(keyOf(block.header.node, block.header.epoch))!;
  let roomless = 0;
  for (const record of block.meta.records)
    if (!(await applyRecord(tx, batch, epoch, record, nowMs))) roomless++;
  for (const bytes of block.meta.unread) if (!(await keepUnread(tx, epoch.row.id, bytes))) roomless++;
  return roomless;
}

async function keepConflict(
  tx: Queries,
  stream: StreamState,
  block: IncomingBlock,
  nowMs: number,
): Promise<void> {
  const { first, count, crc } = block.header;
  await tx.query(
    'INSERT INTO conflict (stream_id, first, count, crc, received_ms, bytes) VALUES ($1, $2, $3, $4, $5, $6)',
    [stream.row.id, BigInt(first), BigInt(count), BigInt(crc), BigInt(nowMs), block.bytes],
  );
  stream.knowConflict(first, count, crc);
  stream.keptConflicts++;
  stream.row.conflicts += 1n;
  stream.isOdd = true;
}

function rowsOf(batch: Batch, { incoming, stream, pieces, rows }: Judged, nowMs: number): StreamRows[] {
  if (!stream) return [];
  if (incoming.kind === 'pack') return rows ? [{ stream, rows }] : [];
  const { times } = batch.states.get(keyOf(incoming.header.node, incoming.header.epoch))!;
  return (pieces ?? []).map((piece) => ({ stream, rows: rowsOfBlock(incoming, piece, times, nowMs) }));
}

function noteLatest({ stream: { row }, rows }: StreamRows): void {
  const latest = rows.readings.at(-1);
  if (!latest || row.name === META_STREAM || (row.latest_seq !== null && row.latest_seq >= latest.sequence))
    return;
  const { sequence, wallNs, ...rest } = latest;
  row.latest_seq = sequence;
  row.latest_ns = wallNs ?? null;
  row.latest = JSON.stringify(rest);
}

function takenOf({ incoming, verdict, why, stream }: Judged, rows: readonly StreamRows[]): Taken {
  const isMeta = stream?.row.name === META_STREAM;
  return {
    ...{ incoming, verdict },
    readings: isMeta ? [] : rows.flatMap((one) => one.rows.readings),
    ...(why === undefined ? {} : { why }),
    ...(stream ? { stream: refOf(stream) } : {}),
  };
}

function refOf({ row }: StreamState): StreamRef {
  const logClass = (row.class ?? 'telemetry') as LogClass;
  return { streamId: row.id, node: row.node, epoch: row.epoch, stream: row.name, logClass };
}
