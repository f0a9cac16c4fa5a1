import type { FastifyInstance } from 'fastify';
import type * as v from 'valibot';
import { type Channel, QUANTITY_UNITS } from '../../../drivers/contract/index.js';
import type { HeardHealth, NodeSummary, Reading, StreamSummary } from '../../store/types.js';
import { isoOf } from '../format.js';
import { HttpError } from '../reply.js';
import { nodeFor, nodesFor, type Seen } from '../seen.js';
import type { WebDeps } from '../types.js';
import { answers } from './openapi.js';
import {
  type NodeAnswer,
  NodeDetailAnswer,
  NodeParams,
  NodesAnswer,
  NodesQuery,
  type ReadingAnswer,
  type StreamAnswer,
} from './schemas.js';

export function nodeRoutes(app: FastifyInstance, deps: WebDeps): void {
  app.get<{ Querystring: v.InferOutput<typeof NodesQuery> }>(
    '/nodes',
    {
      schema: {
        summary: 'Nodes, and their state',
        querystring: NodesQuery,
        response: answers(NodesAnswer),
      } as object,
    },
    async (request) => {
      const { state, page, limit, ...filter } = request.query;
      const all = await nodesFor(request.person, deps, filter);
      const found = all.filter((node) => !state || node.state === state);
      return { total: found.length, nodes: found.slice((page - 1) * limit, page * limit).map(nodeAnswer) };
    },
  );
  app.get<{ Params: v.InferOutput<typeof NodeParams> }>(
    '/nodes/:node',
    {
      schema: {
        summary: 'A node and its streams',
        params: NodeParams,
        response: answers(NodeDetailAnswer),
      } as object,
    },
    async (request) => {
      const node = await nodeFor(request.person, deps, request.params.node);
      if (!node) throw new HttpError(404, 'no such node is known');
      return {
        ...nodeAnswer(node),
        status: node.status ?? null,
        health: healthAnswer(node.health),
        streams: node.streams.map(streamAnswer),
      };
    },
  );
}

function nodeAnswer(node: Seen<NodeSummary>): v.InferOutput<typeof NodeAnswer> {
  const { position } = node;
  return {
    node: node.node,
    name: node.name,
    group: node.group,
    state: node.state,
    heard: new Date(node.heardMs).toISOString(),
    latest: timeAnswer(node.latestWallNs),
    position: position
      ? {
          latitude: position.latitude,
          longitude: position.longitude,
          time: timeAnswer(position.wallNs),
        }
      : null,
    openAlerts: node.openAlerts,
    lostRows: Number(node.lostRows),
    cause: node.cause ?? null,
  };
}

function healthAnswer(health: HeardHealth | undefined): v.InferOutput<typeof NodeDetailAnswer>['health'] {
  if (!health) return null;
  const { atMs, ...said } = health;
  return { at: new Date(atMs).toISOString(), ...said };
}

function streamAnswer(stream: StreamSummary): v.InferOutput<typeof StreamAnswer> {
  const { channels, latest } = stream;
  return {
    id: Number(stream.streamId),
    epoch: stream.epoch,
    stream: stream.stream,
    class: stream.logClass,
    title: stream.title,
    channels: channels.map(({ name, quantity, type }) => ({
      name,
      unit: QUANTITY_UNITS[quantity] ?? '',
      kind: type.kind,
    })),
    received: Number(stream.received),
    missing: Number(stream.missing),
    conflicts: Number(stream.conflicts),
    contradictions: Number(stream.contradictions),
    removed: stream.removed
      ? {
          rows: Number(stream.removed.rows),
          from: timeAnswer(stream.removed.fromNs),
          to: timeAnswer(stream.removed.toNs),
        }
      : null,
    lost: Object.fromEntries(Object.entries(stream.lost).map(([cause, rows]) => [cause, Number(rows)])),
    latest: latest ? readingAnswer(latest, channels) : null,
  };
}

export function readingAnswer(
  reading: Reading,
  channels: readonly Channel[],
): v.InferOutput<typeof ReadingAnswer> {
  const { sequence, wallNs, quality } = reading;
  const values = channels.map(({ name }, column) => [name, plainValue(channels, reading, column)] as const);
  return {
    sequence: Number(sequence),
    time: timeAnswer(wallNs),
    values: Object.fromEntries(values),
    ...(quality !== undefined && { quality }),
  };
}

/** An enum's label, a text, a number; null: none. */
export function plainValue(
  channels: readonly Channel[],
  { values, texts }: Reading,
  column: number,
): number | string | null {
  const text = texts?.[column];
  if (typeof text === 'string') return text;
  const value = values[column] ?? null;
  const type = channels[column]?.type;
  return type?.kind === 'enum' && value !== null ? (type.labels[value] ?? value) : value;
}

export function timeAnswer(wallNs: bigint | undefined): string | null {
  return wallNs === undefined ? null : (isoOf(wallNs) ?? null);
}
