import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { leaveRequest, readBundle } from '../../runtime/update/index.js';
import { StubBroker } from '../support/stub-broker.js';
import { seededRandom } from '../uplink/random.js';
import { BAD_CONFIGS, type BadConfig, type NodeLines } from './bad-configs.js';
import { FastNode } from './fast-node.js';

const seed = Number(process.env.CAIRN_SEED ?? randomInt(1, 2 ** 31));
/** Two, and the trial has had no more than its three starts. */
const KILLS_MAX = 2;

const GOOD: Omit<NodeLines, 'identity'> = {
  node: 'node: roadside',
  board: 'board: twin',
  parts: 'parts: { climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 500ms } }',
  store: 'store: { path: STORE, size: 16 MB, commit: 200ms }',
  uplink: "uplink: { url: 'mqtt://127.0.0.1:STUB' }",
};
const FAR_BOARD = `title: A part of it is not there
kind: twin
i2c:
  i2c-1: { pins: [3, 5] }
  i2c-2: { pins: [27, 28], device: 'unix:/nonexistent/nobody.sock' }
`;

interface Ports {
  readonly stub: number;
  readonly silent: number;
}

async function portsOf(t: TestContext): Promise<Ports> {
  const stub = await StubBroker.start();
  const silent = createServer((socket) => socket.on('error', () => socket.destroy()).resume());
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(async () => {
    silent.close();
    stub.close();
  });
  return { stub: stub.port, silent: (silent.address() as AddressInfo).port };
}

function nodeOf(t: TestContext, { stub }: Ports): FastNode {
  const node = new FastNode(Object.values(GOOD).join('\n').replaceAll('STUB', String(stub)));
  t.after(() => node.remove());
  writeFileSync(join(node.folder, 'far.yaml'), FAR_BOARD);
  return node;
}

/** As it would be pasted: in the node file's place. */
function bundleOf(
  node: FastNode,
  { lines, whole }: Pick<BadConfig, 'lines' | 'whole'>,
  { stub, silent }: Ports,
) {
  const identity = `identity: ${join(node.folder, 'identity')}`;
  const text = (whole ?? Object.values({ ...GOOD, identity, ...lines }).join('\n'))
    .replaceAll('FOLDER', node.folder)
    .replaceAll('STORE', node.storePath)
    .replaceAll('STUB', String(stub))
    .replaceAll('SILENT', String(silent));
  return readBundle(node.configFile, (path) =>
    path === node.configFile ? `${text}\n` : readFileSync(path, 'utf8'),
  ).bundle;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe(`bad configurations, with kill -9 and reopen at random moments (CAIRN_SEED=${seed})`, {
  concurrency: 4,
}, () => {
  assert.equal(BAD_CONFIGS.length, 20);
  for (const [i, bad] of BAD_CONFIGS.entries()) {
    test(`${bad.name}: back to the node file, and truthfully told`, { timeout: 200_000 }, async (t) => {
      const random = seededRandom(seed + i);
      const ports = await portsOf(t);
      const node = nodeOf(t, ports);
      const bundle = bundleOf(node, bad, ports);
      if (random() < 0.8) {
        node.begin();
        await node.untilReport('it runs', ({ state }) => state === 'file');
      }
      const id = randomUUID();
      // Its time must not be over before three starts are, on a busy machine.
      const minutes = bad.why === 'crashed' ? 20 : 1;
      leaveRequest(node.places.inbox, { kind: 'apply', id, by: 'technician kim', bundle, minutes });
      void node.report();
      const kills = Math.floor(random() * (KILLS_MAX + 1));
      for (let kill = 0; kill < kills; kill++) {
        await sleep(random() * 2_000);
        await node.stop('SIGKILL');
        await sleep(random() * 200);
        node.begin();
      }
      const report = await node.untilReport(
        'it recovered',
        ({ state, lastOutcome, trial }) =>
          state === 'file' && lastOutcome !== undefined && trial === undefined,
      );
      t.diagnostic(`${kills} kills: ${report.lastOutcome?.text}`);
      const { what, why, sha256, text } = report.lastOutcome!;
      assert.deepEqual([what, why], [bad.why === 'check' ? 'refused' : 'reverted', bad.why], text);
      assert.equal(sha256, bundle.sha256);
      if (bad.evidence) assert.match(text, bad.evidence);
      const status = await node.until('it samples', ({ parts }) => parts[0]!.samples > 0);
      assert.deepEqual([status.config?.state, status.parts.map((part) => part.id)], ['file', ['climate']]);
      assert.equal(await node.stop(), 0);
    });
  }
});
