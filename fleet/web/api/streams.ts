import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as v from 'valibot';
import { QUANTITY_UNITS } from '../../../drivers/contract/index.js';
import type { Span, StreamSource } from '../../store/types.js';
import { nsOf } from '../format.js';
import { HttpError } from '../reply.js';
import { sees } from '../seen.js';
import type { WebDeps } from '../types.js';
import { csvOf, senmlOf } from './exports.js';
import { readingAnswer, timeAnswer } from './nodes.js';
import { answers } from './openapi.js';
import {
  ReadingsAnswer,
  ReadingsQuery,
  SenmlAnswer,
  SeriesAnswer,
  SeriesQuery,
  StreamParams,
} from './schemas.js';

const DAY_NS = 86_400_000_000_000n;
type Params = v.InferOutput<typeof StreamParams>;
type Asked = v.InferOutput<typeof ReadingsQuery>;

export function streamRoutes(app: FastifyInstance, deps: WebDeps): void {
  const { store, nowMs } = deps;
  const find = async (request: FastifyRequest<{ Params: Params }>): Promise<StreamSource> => {
    const source = await store.stream(request.params.stream);
    if (source && sees(request.person, source.group)) return source;
    throw new HttpError(404, 'no such stream is known');
  };
  app.get<{ Params: Params; Querystring: v.InferOutput<typeof SeriesQuery> }>(
    '/streams/:stream/series',
    {
      schema: {
        summary: 'A channel over time: least, greatest and mean per bucket, and where nothing is',
        params: StreamParams,
        querystring: SeriesQuery,
        response: answers(SeriesAnswer),
      } as object,
    },
    async (request): Promise<SeriesAnswer> => {
      const { streamId } = await find(request);
      const { channel, points } = request.query;
      const series = await store.series(streamId, channel, spanOf(request.query, nowMs()), points);
      if (!series) throw new HttpError(404, 'no such channel is known');
      const { channel: shown, timeless, ...rest } = series;
      const unit = QUANTITY_UNITS[shown.quantity] ?? '';
      return { name: shown.name, unit, ...rest, timeless: Number(timeless) } as SeriesAnswer;
    },
  );
  app.get<{ Params: Params; Querystring: Asked }>(
    '/streams/:stream/readings',
    {
      schema: {
        summary: 'Rows of a window: JSON by pages; all of them as CSV (RFC 4180) or SenML (RFC 8428)',
        params: StreamParams,
        querystring: ReadingsQuery,
        response: answers(ReadingsAnswer, { 'text/csv': v.string(), 'application/senml+json': SenmlAnswer }),
      } as object,
    },
    async (request, reply) => {
      const source = await find(request);
      const span = spanOf(request.query, nowMs());
      const format = request.query.format ?? acceptedFormat(request);
      if (format === 'json') return jsonOf(deps, source, span, request.query);
      return sendFile(reply, source, format, deps, span);
    },
  );
}

function spanOf(
  { from, to }: { readonly from?: bigint | undefined; readonly to?: bigint | undefined },
  nowMs: number,
): Span {
  const toNs = to ?? nsOf(nowMs);
  const span = { fromNs: from ?? toNs - DAY_NS, toNs };
  if (span.fromNs < span.toNs) return span;
  throw new HttpError(400, 'the window ends before it begins: `from` must be earlier than `to`');
}

function acceptedFormat({ headers: { accept = '' } }: FastifyRequest): 'json' | 'csv' | 'senml' {
  if (accept.includes('text/csv')) return 'csv';
  return accept.includes('application/senml+json') ? 'senml' : 'json';
}

async function jsonOf({ store }: WebDeps, source: StreamSource, span: Span, { limit, after }: Asked) {
  const readings = await store.readings(source.streamId, span, limit, after);
  const last = readings.at(-1);
  return {
    node: source.node,
    stream: source.stream,
    readings: readings.map((reading) => readingAnswer(reading, source.channels)),
    next:
      last && readings.length === limit
        ? { from: timeAnswer(last.wallNs), after: Number(last.sequence) }
        : null,
  };
}

function sendFile(
  reply: FastifyReply,
  source: StreamSource,
  format: 'csv' | 'senml',
  { store }: WebDeps,
  span: Span,
): FastifyReply {
  const [write, type] =
    format === 'csv'
      ? [csvOf, 'text/csv; charset=utf-8; header=present']
      : [senmlOf, 'application/senml+json'];
  const name = `${source.node}-${source.stream}.${format === 'csv' ? 'csv' : 'senml.json'}`;
  const safe = name.replaceAll(/[^A-Za-z0-9._-]/g, '_');
  reply.header('content-disposition', `attachment; filename="${safe}"`).type(type);
  // For HEAD fastify would read all of it, and throw it away.
  const rows = reply.request.method === 'HEAD' ? [] : write(store, source, span);
  return reply.serializer(String).send(Readable.from(rows));
}
