import { setTimeout as sleep } from 'node:timers/promises';
import type { Reachable } from './alerts/index.js';
import type { FleetConfig } from './config/index.js';
import { migrate } from './db/index.js';
import { MIGRATIONS, type Parts } from './parts.js';
import type { Service } from './services/index.js';
import { openSource } from './source.js';
import { lineListener, type Take } from './sources/index.js';

const CHECK_MS = 1_000;
const TTL_MS = 4_000;
/** What a page is being sent is finished meanwhile. */
const GOODBYE_MS = 2_000;
const TEND_MS = 3_600_000;
/** A table that is to be dropped may be in use. */
const RETRY_MS = 30_000;

type Life = Partial<Pick<Service, 'start' | 'check' | 'reconnect' | 'stop'>>;

function service(name: string, needs: readonly string[], life: Life): Service {
  const nothing = async () => undefined;
  return {
    ...{ name, needs, ttlMs: TTL_MS, checkEveryMs: CHECK_MS },
    ...{ start: nothing, check: nothing, stop: nothing, ...life },
  };
}

/** Everything that runs in the process, what each needs before it. `tellAddress`: where the web is, once it listens. */
export function fleetServices(parts: Parts, tellAddress: (address: string) => void): readonly Service[] {
  return [
    database(parts),
    ingest(parts),
    source(parts),
    ...(parts.config.listener ? [listener(parts, parts.config.listener)] : []),
    ...(parts.config.database ? [news(parts)] : []),
    times(parts),
    ...(Object.keys(parts.config.retention).length > 0 ? [retention(parts)] : []),
    alerts(parts),
    ...parts.transports.map(reachable),
    people(parts),
    web(parts, tellAddress),
  ];
}

function database({ raw, db }: Parts): Service {
  return service('database', [], {
    start: async () => {
      await migrate(raw, MIGRATIONS);
      db.open();
    },
    check: async () => {
      await raw.query('SELECT 1');
      return raw.dialect;
    },
  });
}

/** Needs no database to begin: what comes meanwhile lies in its spool. */
function ingest({ ingest }: Parts): Service {
  return service('ingest', [], {
    check: async () => {
      if (ingest.isSpooling)
        throw new Error('the database takes nothing: messages lie in the spool, and receipts wait');
      return undefined;
    },
    stop: () => ingest.close(),
  });
}

function source(parts: Parts): Service {
  let opened: Awaited<ReturnType<typeof openSource>> | undefined;
  return service('broker', [], {
    start: async () => {
      opened = await openSource(parts);
      parts.source = opened.source;
    },
    check: async () => opened?.state(),
    stop: async () => {
      parts.receipts.flush();
      await opened?.source.close();
    },
  });
}

function listener({ ingest }: Parts, { host, port, ids }: NonNullable<FleetConfig['listener']>): Service {
  let opened: Awaited<ReturnType<typeof lineListener>> | undefined;
  return service('listener', [], {
    start: async () => {
      const take: Take = (topic, payload) => ingest.take(topic, payload);
      opened = await lineListener({ host, port, take, ...(ids && { ids: new Set(ids) }) });
    },
    check: async () => opened && `port ${opened.port}`,
    stop: async () => opened?.close(),
  });
}

/** Pages of this process hear what the others on the same database take. */
function news({ news }: Parts): Service {
  return service('news', ['database'], {
    start: () => news.listen(),
    check: async () => {
      await news.listen();
      return undefined;
    },
    stop: () => news.close(),
  });
}

/** Rows get their times when a late anchor comes: step by step, for as long as it takes. */
function times({ store }: Parts): Service {
  return inSteps('times', () => store.repairTimes(), { pauseMs: CHECK_MS, retryMs: CHECK_MS });
}

/** Rows that are older than the file says go, an hour after the next at the latest. */
function retention({ store, config }: Parts): Service {
  const pauses = { pauseMs: TEND_MS, retryMs: RETRY_MS };
  return inSteps('retention', () => store.forgetRows(config.retention), pauses);
}

/** Steps on while there is more to do, then looks again after a pause; after a step that failed, after another. */
function inSteps(
  name: string,
  step: () => Promise<boolean>,
  { pauseMs, retryMs }: { readonly pauseMs: number; readonly retryMs: number },
): Service {
  const stopping = new AbortController();
  let trouble: Error | undefined;
  let running: Promise<void> | undefined;
  const run = async () => {
    while (!stopping.signal.aborted) {
      const isMore = await step().catch((error: Error) => error);
      trouble = isMore instanceof Error ? isMore : undefined;
      if (isMore === true) continue;
      await sleep(trouble ? retryMs : pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  return service(name, ['database'], {
    start: async () => {
      running = run();
    },
    check: async () => {
      if (trouble) throw trouble;
      return undefined;
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  });
}

function alerts({ alerts }: Parts): Service {
  return service('alerts', ['database'], {
    start: async () => {
      await alerts.rules.seed(Date.now());
      alerts.start();
    },
    stop: () => alerts.stop(),
  });
}

/** Mail, SMS: needs no database; what can't go waits in the outbox. */
function reachable(transport: Reachable): Service {
  return service(transport.scheme, [], {
    start: () => transport.start(),
    check: async () => {
      transport.check();
      return undefined;
    },
    stop: () => transport.stop(),
  });
}

/** Opens the door for the first owner, while there is none. */
function people({ people, log }: Parts): Service {
  let dueMs = 0;
  return service('people', ['database'], {
    start: async () => {
      const secret = await people.signIn.firstSecret();
      if (secret)
        log.info(`nobody owns this fleet yet: open /first and type this one-time secret: ${secret}`);
    },
    check: async () => {
      if (performance.now() < dueMs) return undefined;
      await people.tend();
      dueMs = performance.now() + TEND_MS;
      return undefined;
    },
  });
}

/** Needs nothing: while the database is away it shows what it showed last, and says so. */
function web({ web, config }: Parts, tellAddress: (address: string) => void): Service {
  return service('web', [], {
    start: async () => {
      const { host, port, url } = config.web;
      const address = await web.listen({ host, port });
      tellAddress(url ?? address);
    },
    stop: async () => {
      // Browsers open connections ahead and say nothing; who sleeps with a page open answers no goodbye.
      const force = setTimeout(() => {
        web.server.closeAllConnections();
        for (const client of web.websocketServer.clients) client.terminate();
      }, GOODBYE_MS);
      await web.close().finally(() => clearTimeout(force));
    },
  });
}
