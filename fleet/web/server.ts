import websocket from '@fastify/websocket';
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { api } from './api/index.js';
import { serveAssets } from './assets.js';
import { isAway } from './away.js';
import { timeOfMs } from './format.js';
import { type Html, html } from './html.js';
import { LastGood } from './last-good.js';
import { withNotices } from './layout.js';
import { live } from './live.js';
import { healthNotices } from './notices.js';
import { fleetPage } from './pages/fleet.js';
import { healthPage } from './pages/health.js';
import { logsPage } from './pages/logs.js';
import { nodePage } from './pages/node.js';
import { nodeRename } from './pages/node-rename.js';
import { sendPage, titleOf } from './reply.js';
import { secure } from './security.js';
import type { WebDeps } from './types.js';

/** Bytes of a request: forms and JSON of people. */
const MAX_BODY = 64 << 10;

/** The pages, the API and the live push; who listens, calls `listen`. */
export function createWeb(deps: WebDeps): FastifyInstance {
  const app = fastify({
    bodyLimit: MAX_BODY,
    trustProxy: deps.trustProxy ?? false,
    routerOptions: { maxParamLength: 256 },
    requestTimeout: 30_000,
    ...(deps.log && {
      loggerInstance: deps.log,
      logController: new LogController({ disableRequestLogging: true }),
    }),
  });
  app.decorateRequest('person');
  secure(app, deps.tiles);
  keepLastGood(app, deps);
  app.setNotFoundHandler((request, reply) =>
    fail(request, reply, 404, titleOf(404), 'There is no such page.'),
  );
  app.register(websocket, { options: { maxPayload: 4096 } });
  for (const plugin of deps.plugins) app.register(plugin);
  app.register(async (pages) => {
    serveAssets(pages);
    for (const routes of [fleetPage, nodePage, nodeRename, logsPage, healthPage, live]) routes(pages, deps);
  });
  app.register(api(deps));
  return app;
}

/** Pages with `lastGood` are shown as they were while the database is down, to whom they were shown. */
function keepLastGood(app: FastifyInstance, { health, nowMs }: WebDeps): void {
  const lastGood = new LastGood();
  const shownOld = new WeakMap<FastifyReply, number>();
  app.addHook('onSend', async (request, reply, payload) => {
    const type = String(reply.getHeader('content-type') ?? '');
    if (typeof payload !== 'string' || !type.startsWith('text/html')) return payload;
    const atMs = shownOld.get(reply);
    if (request.routeOptions.config.lastGood && reply.statusCode === 200 && atMs === undefined)
      lastGood.keep(keyOf(request), payload, nowMs());
    const old = atMs === undefined ? [] : [oldNotice(atMs)];
    return withNotices(payload, [...old, ...healthNotices(health(), nowMs(), request.person !== undefined)]);
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const kept = isAway(error) ? lastGood.find(keyOf(request)) : undefined;
    if (kept && request.method === 'GET') {
      shownOld.set(reply, kept.atMs);
      return reply.type('text/html; charset=utf-8').send(kept.text);
    }
    if (isAway(error)) {
      reply.header('retry-after', 10);
      const then =
        request.method === 'GET'
          ? 'It is asked again with each request: try again in a moment.'
          : 'It may not have been done: go back, where what you typed still stands, and send it again once the database answers.';
      return fail(request, reply, 503, 'Not to be had now', `The database doesn't answer. ${then}`);
    }
    const status = error.statusCode ?? 500;
    if (status < 500) return fail(request, reply, status, titleOf(status), error.message);
    request.log.error(error);
    return fail(request, reply, 500, 'A fault of the program', 'It is in the log of the fleet server.');
  });
}

/** By who asks, with what they may now: neither a session that ended nor one of fewer roles finds what was shown before. */
function keyOf({ person, headers, url }: FastifyRequest): string {
  return JSON.stringify([person, headers.accept?.includes('text/html'), url]);
}

function oldNotice(atMs: number): Html {
  return html`<strong>The database doesn't answer.</strong> This page is shown as it was at ${timeOfMs(atMs)}; nodes keep what can't be taken, or it waits here on disk.`;
}

function fail(request: FastifyRequest, reply: FastifyReply, status: number, title: string, message: string) {
  reply.code(status);
  const isPage = !/^\/(api|metrics)\b/.test(request.url) && request.headers.accept?.includes('text/html');
  if (isPage) return sendPage(reply, { title, path: '', body: html`<p>${message}</p>` });
  return reply.type('application/json').send(JSON.stringify({ statusCode: status, error: title, message }));
}
