import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startReceiver } from '../../fleet/receive/index.js';
import { makeCa, startMosquitto, type TlsFiles, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { until } from '../support/until.js';
import { realUplink } from './real.js';

const options = { skip: WITHOUT_MOSQUITTO, timeout: 200_000 };
const telemetry = { class: 'telemetry', stream: 'climate' } as const;

function copied(from: TlsFiles, to: TlsFiles): void {
  copyFileSync(from.certificate, to.certificate);
  copyFileSync(from.key, to.key);
}

for (const whose of ['ours', 'the broker’s'] as const) {
  test(
    `FAULTS 27: ${whose === 'ours' ? 'our' : whose} certificate has expired: all is kept, an alarm, and a renewed file is used at the next try`,
    options,
    async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'cairn-expiry-'));
      const ca = makeCa(join(folder, 'ca'));
      const [used, renewed] = [
        ca.issue(whose === 'ours' ? 'node-1' : '127.0.0.1', -1),
        ca.issue(whose === 'ours' ? 'node-1' : '127.0.0.1'),
      ];
      const good = ca.issue(whose === 'ours' ? '127.0.0.1' : 'node-1');
      const [server, me] = whose === 'ours' ? [good, used] : [used, good];
      const broker = await startMosquitto(['require_certificate true'], server);
      const { uplink, store, log, reason } = realUplink({
        ...{ url: broker.url, ca: ca.ca, certificate: me.certificate, key: { file: me.key } },
      });
      t.after(async () => {
        await uplink.stop(0);
        await broker.remove();
        rmSync(folder, { recursive: true });
      });
      store.commit([telemetry, telemetry, telemetry]);
      uplink.start();
      await until('it is told apart', () => reason().startsWith('tlsExpired'));
      await until(
        'tried again',
        () => log.filter((line) => line.startsWith('error uplink: tlsExpired')).length > 1,
      );
      assert.equal(store.left.length, 3, 'nothing is let go');
      copied(renewed, used);
      if (whose !== 'ours') {
        // A broker reads its files at its start.
        await broker.kill();
        await broker.start();
      }
      const reader = ca.issue('reader');
      const running = await startReceiver({
        ...{ url: broker.url, clientId: 'r', ca: readFileSync(ca.ca) },
        ...{ certificate: readFileSync(reader.certificate), key: readFileSync(reader.key) },
      });
      try {
        await until('all is delivered', () => store.left.length === 0);
        t.diagnostic(
          `${log.filter((line) => line.startsWith('error')).length} alarms in the log, 3 of 3 blocks kept and delivered`,
        );
      } finally {
        await running.stop();
      }
    },
  );
}
