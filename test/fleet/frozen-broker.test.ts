import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { parseConfig } from '../../fleet/config/index.js';
import { startFleet } from '../../fleet/fleet.js';
import { startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { until } from '../support/until.js';

test('a broker that stands still with its connections open is unhealthy within its TTL, and healthy when it goes on', {
  skip: WITHOUT_MOSQUITTO,
}, async (t) => {
  const mosquitto = await startMosquitto();
  const folder = mkdtempSync(join(tmpdir(), 'cairn-frozen-'));
  const config = parseConfig(
    `data: ${folder}\nbroker: { url: '${mosquitto.url}' }\nweb: { port: 0 }\n`,
    'it',
  );
  const fleet = await startFleet(config, pino({ level: 'silent' }));
  t.after(async () => {
    await fleet.stop();
    await mosquitto.remove();
    rmSync(folder, { recursive: true });
  });
  const is = (state: string) => () =>
    fleet.services.health().services.find(({ name }) => name === 'broker')?.state === state;
  await until('it is healthy', is('healthy'));
  process.kill(mosquitto.pid!, 'SIGSTOP');
  const before = performance.now();
  await until('it is unhealthy', is('unhealthy'), 20_000);
  // The TTL of 4 s, and the patience of a busy machine.
  assert.ok(performance.now() - before < 8_000);
  process.kill(mosquitto.pid!, 'SIGCONT');
  await until('it is healthy again', is('healthy'), 20_000);
});
