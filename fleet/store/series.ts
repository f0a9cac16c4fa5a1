import type { Queries } from '../db/index.js';
import type { Series, Span } from './types.js';

export async function seriesOf(
  _db: Queries,
  _streamId: bigint,
  _channel: number,
  _span: Span,
  _points: number,
): Promise<Series | undefined> {
  throw new Error('series: not yet');
}
