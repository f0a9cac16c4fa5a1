import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type * as v from 'valibot';
import type { LogLine } from '../../store/types.js';
import { cursorOf } from '../inputs.js';
import { healthJson } from '../pages/health.js';
import { logQuery, seenBy } from '../pages/logs.js';
import type { WebDeps } from '../types.js';
import { metrics } from './metrics.js';
import { nodeRoutes, timeAnswer } from './nodes.js';
import { answers, describeByValibot } from './openapi.js';
import { HealthAnswer, LogsAnswer, LogsQuery } from './schemas.js';
import { streamRoutes } from './streams.js';

const BASE = '/api/v1';

/** `/api/v1`: what programs ask; `/metrics`: what Prometheus does. */
export function api(deps: WebDeps): FastifyPluginAsync {
  return async (app) => {
    describeByValibot(app);
    await app.register(
      async (routes) => {
        nodeRoutes(routes, deps);
        streamRoutes(routes, deps);
        logRoutes(routes, deps);
        routes.get('/openapi.json', { schema: { hide: true } as object }, async () => app.swagger());
      },
      { prefix: BASE },
    );
    metrics(app, deps);
  };
}

function lineAnswer({ node, wallNs, level, module, text, sequence }: LogLine) {
  return { node, time: timeAnswer(wallNs), level, module, text, sequence: Number(sequence) };
}

function logRoutes(app: FastifyInstance, deps: WebDeps): void {
  const { store, health } = deps;
  app.get<{ Querystring: v.InferOutput<typeof LogsQuery> }>(
    '/logs',
    {
      schema: {
        summary: 'Lines that nodes logged, newest first',
        querystring: LogsQuery,
        response: answers(LogsAnswer),
      } as object,
    },
    async (request) => {
      const { limit, ...filter } = request.query;
      const lines = await store.logs(logQuery(await seenBy(request.person, filter, deps), limit));
      const last = lines.length === limit ? lines.at(-1) : undefined;
      return { lines: lines.map(lineAnswer), next: last ? cursorOf(last) : null };
    },
  );
  app.get(
    '/health',
    { schema: { summary: "The services' health", response: answers(HealthAnswer) } as object },
    async (request) => healthJson(health(), request.person !== undefined),
  );
}
