import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { makeCa, type TlsFiles } from '../support/broker.js';
import { StubBroker } from '../support/stub-broker.js';
import { until } from '../support/until.js';
import { realUplink } from './real.js';

/** A quarter of them each; 10,000 together at night. */
const RECONNECTS = Number(process.env.CAIRN_RECONNECTS ?? 800) / 4;
/** Until the code is compiled and the pools are as large as they get. */
const WARM_UP = 100;
/** A client that is kept costs over 10 kB. */
const HEAP_SLACK_BYTES = 1024 * 1024;
const HEAP_BYTES_EACH = 100;

let folder: string;
let files: TlsFiles;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'cairn-leak-'));
  files = makeCa(join(folder, 'ca')).issue('127.0.0.1');
});
after(() => rmSync(folder, { recursive: true, force: true }));

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

interface Held {
  readonly descriptors: number;
  readonly threads: number;
  readonly heapBytes: number;
  readonly handles: number;
}

async function held(): Promise<Held> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    threads: Number(/^Threads:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]),
    heapBytes: process.memoryUsage().heapUsed,
    handles: process.getActiveResourcesInfo().length,
  };
}

const ENDS: Readonly<Record<string, (broker: StubBroker) => void>> = {
  'a broker that ends each link at its first publish': (broker) => {
    broker.onPublish = () => broker.cut();
  },
  'a broker that closes at each CONNECT': (broker) => {
    broker.accepts = false;
  },
};

for (const scheme of ['mqtt', 'mqtts'] as const) {
  for (const [name, arrange] of Object.entries(ENDS)) {
    test(`FAULTS 48: ${scheme}, ${name}: descriptors, threads and heap stay flat`, {
      timeout: 600_000,
    }, async (t) => {
      const broker = await StubBroker.start(scheme === 'mqtts' ? files : undefined);
      arrange(broker);
      const { uplink, store, log } = realUplink({
        ...{ url: broker.url, backoffMinMs: 1, backoffMaxMs: 1, window: 4 },
        ...(scheme === 'mqtts' ? { ca: files.ca } : {}),
      });
      for (let i = 0; i < 8; i++) store.commit([{ class: 'telemetry', stream: 'climate' }]);
      const connects = async (count: number) => {
        for (const end = broker.connects + count; broker.connects < end; ) {
          await until(
            'more connects',
            () => broker.connects >= Math.min(end, broker.connects + 100) || log.length > 500,
            60_000,
          );
          log.length = 0;
        }
      };
      try {
        uplink.start();
        await connects(WARM_UP);
        const first = await held();
        await connects(RECONNECTS);
        const last = await held();
        const grownBytes = last.heapBytes - first.heapBytes;
        t.diagnostic(
          `${RECONNECTS} reconnects: descriptors ${first.descriptors} to ${last.descriptors}, threads ${first.threads} to ${last.threads}, heap ${grownBytes} bytes more, handles ${first.handles} to ${last.handles}`,
        );
        // One link may be under way at either time: two ends of it here.
        assert.ok(Math.abs(last.descriptors - first.descriptors) <= 4);
        assert.ok(last.threads <= first.threads);
        assert.ok(Math.abs(last.handles - first.handles) <= 8);
        assert.ok(grownBytes <= HEAP_SLACK_BYTES + HEAP_BYTES_EACH * RECONNECTS, `${grownBytes} bytes`);
        assert.equal(store.left.length, 8);
      } finally {
        await uplink.stop(0);
        broker.close();
      }
    });
  }
}
