import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { Aedes } from 'aedes';
import { startReceiver } from '../../fleet/receive/index.js';
import { until } from '../support/until.js';
import { realUplink } from './real.js';

test('a broker that only speaks 3.1.1: both ends fall back, and all arrives', {
  timeout: 200_000,
}, async () => {
  const aedes = await Aedes.createBroker();
  const server = createServer(aedes.handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const running = await startReceiver({ url, clientId: 'r' });
  const { uplink, store } = realUplink({ url });
  try {
    await running.subscribed;
    for (let i = 0; i < 30; i++) store.commit([{ class: 'telemetry', stream: 'climate', rows: 3 }]);
    uplink.start();
    await until('all blocks have receipts', () => store.left.length === 0);
    await until('the ledger is whole', () => running.receiver.summary()[0]?.received === 90);
    const { link } = uplink.status();
    assert.equal(link.state === 'online' && link.protocol, 4);
    assert.equal(running.receiver.summary()[0]?.missing, 0);
  } finally {
    await uplink.stop(0);
    await running.stop();
    aedes.close();
    server.close();
  }
});
