import { GAP_CAUSES, type Gap, STREAM_NAME } from '../records.js';
import { type FieldReader, wholeNumber } from './fields.js';

/** `[…, epoch (8 bytes), stream, first, last | null, cause, atMost]` */
export function gapFields(gap: Gap): readonly unknown[] {
  const last = gap.last === undefined ? null : wholeNumber(gap.last);
  return [Buffer.from(gap.epoch, 'hex'), gap.stream, wholeNumber(gap.first), last, gap.cause, gap.atMost];
}

export function readGap(fields: FieldReader): Gap {
  const gap: Gap = {
    epoch: Buffer.from(fields.bytes(8)).toString('hex'),
    stream: fields.textLike(STREAM_NAME),
    first: fields.whole(),
    last: fields.optional((field) => field.whole()),
    cause: fields.oneOf(GAP_CAUSES),
    atMost: fields.flag(),
  };
  if (gap.last !== undefined && gap.last < gap.first) fields.refuse('a range: its last is before its first');
  return gap;
}
