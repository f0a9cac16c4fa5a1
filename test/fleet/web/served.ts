import { EventEmitter } from 'node:events';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { type AuditEntry, type Caller, everywhere } from '../../../fleet/people/index.js';
import type { ServiceHealth } from '../../../fleet/services/index.js';
import { type Change, createWeb, type Tiles } from '../../../fleet/web/index.js';
import { FakeStore, NOW_MS } from './fake-store.js';

export interface Served {
  readonly app: FastifyInstance;
  readonly store: FakeStore;
  readonly news: EventEmitter<{ change: [Change] }>;
  /** What the registry says; the test changes it. */
  services: ServiceHealth[];
  person: Caller | undefined;
  nowMs: number;
  readonly audited: AuditEntry[];
}

export const ADA: Caller = { id: 'ada', name: 'Ada', roles: everywhere('owner'), via: 'session', key: 'k' };

/** The web over a fake store, where `person` is who asks. */
export function serve(nodes?: number, tiles?: Tiles): Served {
  const store = new FakeStore(nodes);
  const news = new EventEmitter<{ change: [Change] }>();
  const isIt: FastifyPluginAsync = async (app) => {
    app.decorateRequest('csrf', () => 'token of the session');
    app.decorateRequest('findPerson', async () => served.person);
    app.addHook('onRequest', async (request) => {
      request.person = served.person;
    });
  };
  const plugin = Object.assign(isIt, { [Symbol.for('skip-override')]: true });
  const app = createWeb({
    store,
    news,
    openAlerts: async () => new Map([[store.summaries[2]!.node, 3]]),
    audit: async (entry) => void served.audited.push(entry),
    plugins: [plugin],
    ...(tiles && { tiles }),
    health: () => ({ services: served.services }),
    nowMs: () => served.nowMs,
  });
  const served: Served = {
    ...{ app, store, news, person: ADA, nowMs: NOW_MS, audited: [] },
    services: [
      { name: 'database', state: 'healthy', sinceMs: NOW_MS - 7_200_000 },
      { name: 'ingest', state: 'healthy', sinceMs: NOW_MS - 7_200_000 },
    ],
  };
  return served;
}

/** As a browser asks. */
export async function page(app: FastifyInstance, url: string, headers: Record<string, string> = {}) {
  return app.inject({ url, headers: { accept: 'text/html', ...headers } });
}
