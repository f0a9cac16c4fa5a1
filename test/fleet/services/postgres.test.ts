import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openPostgres } from '../../../fleet/db/index.js';
import { type Service, Services, systemClock } from '../../../fleet/services/index.js';
import { startPostgres, WITHOUT_POSTGRES } from '../../support/postgres.js';
import { until } from '../../support/until.js';

const TTL_MS = 3_000;

test('a real database that is killed and started again, three times', {
  skip: WITHOUT_POSTGRES,
}, async () => {
  const server = await startPostgres();
  const db = openPostgres(await server.database());
  after(async () => {
    await db.close();
    await server.remove();
  });
  const reconnected: string[] = [];
  const service = (name: string, needs: readonly string[], check: Service['check']): Service => ({
    ...{ name, needs, check, ttlMs: TTL_MS, checkEveryMs: 500 },
    start: async () => undefined,
    reconnect: async () => void reconnected.push(name),
    stop: async () => undefined,
  });
  const services = new Services(
    [
      service('database', [], async () => {
        await db.query('SELECT 1');
        return undefined;
      }),
      service('store', ['database'], async () => undefined),
      service('broker', [], async () => undefined),
    ],
    { clock: systemClock, say: () => undefined },
  );
  const states = () => services.registry.services().map(({ state }) => state);
  const over = services.run();
  await until('all are healthy', () => states().every((state) => state === 'healthy'));
  for (let i = 0; i < 3; i++) {
    await server.kill('SIGKILL');
    await until('the two are unhealthy', () => states().join() === 'unhealthy,unhealthy,healthy');
    const [database, store] = services.registry.services();
    assert.match(database!.why!, /^PostgreSQL: /);
    assert.equal(store!.why, 'needs database');
    await server.start();
    await until('all are healthy again', () => states().every((state) => state === 'healthy'));
  }
  assert.deepEqual(reconnected, ['store', 'store', 'store']);
  await services.stop();
  await over;
  assert.deepEqual(states(), ['stopped', 'stopped', 'stopped']);
});
