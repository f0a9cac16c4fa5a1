import type { Queries, SqlRow, Within } from '../db/index.js';
import { utc } from './message.js';

const MAX_NOTE = 1_000;
/** Of an alert, all together. */
const MAX_NOTES = 8_000;

export interface Acknowledgement {
  readonly name: string;
  readonly note: string;
  /** The alert ends with it. */
  readonly ends: boolean;
  readonly nowMs: number;
}

/** True: the first one. A further one adds its note. `within` runs where anything was done. */
export async function acknowledge(
  tx: Queries,
  id: bigint,
  { name, note, ends, nowMs }: Acknowledgement,
  within: Within | undefined,
): Promise<boolean> {
  const text = note
    .slice(0, MAX_NOTE)
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim();
  const acked = await tx.query(
    `UPDATE alert SET acked_ms = $2, acked_by = $3, acked_note = $4, next_step_ms = NULL
     WHERE id = $1 AND acked_ms IS NULL RETURNING id`,
    [id, BigInt(nowMs), name.slice(0, 128), text],
  );
  const isFirst = acked.length > 0;
  const closed = ends ? await close(tx, id, nowMs) : [];
  const isAdded = !isFirst && text !== '' && (await addNote(tx, id, `${utc(nowMs)}, ${name}: ${text}`));
  if (isFirst || closed.length > 0 || isAdded) await within?.(tx);
  return isFirst;
}

function close(tx: Queries, id: bigint, nowMs: number): Promise<readonly SqlRow[]> {
  return tx.query(
    `UPDATE alert SET state = 'closed', closed_ms = $2, closed_why = 'person', next_step_ms = NULL
     WHERE id = $1 AND state = 'open' RETURNING id`,
    [id, BigInt(nowMs)],
  );
}

/** To what was said before. False: there is no such alert. */
async function addNote(tx: Queries, id: bigint, line: string): Promise<boolean> {
  const added = await tx.query(
    `UPDATE alert SET acked_note = acked_note || $2 WHERE id = $1 AND length(acked_note) <= $3 RETURNING id`,
    [id, `\n${line}`, BigInt(MAX_NOTES - line.length)],
  );
  if (added.length > 0) return true;
  const [there] = await tx.query('SELECT id FROM alert WHERE id = $1', [id]);
  if (there) throw new RangeError(`This alert has ${MAX_NOTES} characters of notes, and no more fit.`);
  return false;
}

/** The next step of the escalation is due. False: there is none, or it isn't needed any more. */
export async function tellNextNow(
  tx: Queries,
  id: bigint,
  nowMs: number,
  within: Within | undefined,
): Promise<boolean> {
  const due = await tx.query(
    `UPDATE alert SET next_step_ms = $2 WHERE id = $1 AND state = 'open' AND acked_ms IS NULL AND step >= 0
     AND next_step_ms > $2 RETURNING id`,
    [id, BigInt(nowMs)],
  );
  if (due.length > 0) await within?.(tx);
  return due.length > 0;
}
