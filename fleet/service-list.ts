import type { Reachable } from './alerts/index.js';
import { migrate } from './db/index.js';
import { MIGRATIONS, type Parts } from './parts.js';
import type { Service } from './services/index.js';
import { openSource } from './source.js';
import { lineListener } from './sources/index.js';

const CHECK_MS = 1_000;
const TTL_MS = 4_000;
const TEND_MS = 3_600_000;

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
    times(parts),
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

function listener(
  { ingest }: Parts,
  { host, port }: { readonly host: string; readonly port: number },
): Service {
  let opened: Awaited<ReturnType<typeof lineListener>> | undefined;
  return service('listener', [], {
    start: async () => {
      opened = await lineListener({ host, port, take: (topic, payload) => ingest.take(topic, payload) });
    },
    check: async () => opened && `port ${opened.port}`,
    stop: async () => opened?.close(),
  });
}

/** Rows get their times when a late anchor comes: step by step, for as long as it takes. */
function times({ store }: Parts): Service {
  let isStopped = false;
  let trouble: Error | undefined;
  let running: Promise<void> | undefined;
  const repair = async () => {
    while (!isStopped) {
      const isMore = await store.repairTimes().catch((error: Error) => error);
      trouble = isMore instanceof Error ? isMore : undefined;
      if (isMore !== true) await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
    }
  };
  return service('times', ['database'], {
    start: async () => {
      running = repair();
    },
    check: async () => {
      if (trouble) throw trouble;
      return undefined;
    },
    stop: async () => {
      isStopped = true;
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

function people({ people }: Parts): Service {
  let dueMs = 0;
  return service('people', ['database'], {
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
    stop: () => web.close(),
  });
}
