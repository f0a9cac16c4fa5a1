import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startReceiver, type TakeResult } from '../../fleet/receive/index.js';
import { native } from '../../native/index.js';
import { FakeWall, WITHOUT_FAKE_WALL } from '../clock/fake-wall.js';
import { startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { until } from '../support/until.js';
import { MAIN, TestNode } from './harness.js';

const EVERY_MS = 200;
const COMMIT_MS = 200;
const DAY_NS = 86_400_000_000_000n;
const TEN_YEARS_NS = 3652n * DAY_NS;

const nodeFile = (url: string) => `
node: jumpy
board: twin
parts:
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: ${EVERY_MS}ms }
store: { path: STORE, size: 16 MB, commit: ${COMMIT_MS}ms }
uplink: { url: '${url}', keepAlive: 5s, backoff: { min: 100ms, max: 1s } }
`;

/** Each jump takes place in a node that runs, is online, and takes its clock for set. */
const JUMPS = [
  ['FAULTS 24: the clock jumps ten years forward', TEN_YEARS_NS],
  // Back to before there was this software.
  ['FAULTS 25: the clock jumps ten years back', -TEN_YEARS_NS],
  ['FAULTS 25: the clock jumps a week back', -7n * DAY_NS],
] as const;

// They wait for one look at the clock, each in a node of its own.
describe('a clock that jumps', { concurrency: true }, () => {
  for (const [title, jumpNs] of JUMPS) {
    test(`${title}: same order, nothing expires, no storm, the link stays`, {
      skip: WITHOUT_MOSQUITTO || WITHOUT_FAKE_WALL,
      timeout: 200_000,
    }, async (t) => {
      const broker = await startMosquitto();
      const node = new TestNode(nodeFile(broker.url));
      const wall = new FakeWall(node.folder);
      const results: TakeResult[] = [];
      const running = await startReceiver({
        ...{ url: broker.url, clientId: 'r', onResult: (result) => void results.push(result) },
      });
      t.after(async () => {
        await node.remove();
        await running.stop();
        await broker.remove();
        wall.close();
      });
      await running.subscribed;
      wall.set(0n, true);
      const beganNs = native.bootTimeNs();
      node.start([MAIN, 'run', '--config', node.configFile], wall.environment);
      const before = await node.until(
        'it has a time, and is online',
        ({ time, uplink }) => time.wallNs !== undefined && uplink?.link.state === 'online',
      );
      wall.set(jumpNs, true);
      // A clock that is anchored is looked at each 10 s, and the keep-alive passes twice.
      const enoughNs = BigInt(before.time.bootNs) + 13_000_000_000n;
      const late = await node.until('the clock was looked at', ({ time }) => BigInt(time.bootNs) > enoughNs);
      const movedNs =
        BigInt(late.time.wallNs!) -
        BigInt(before.time.wallNs!) -
        (BigInt(late.time.bootNs) - BigInt(before.time.bootNs));
      const isBelieved = jumpNs > -TEN_YEARS_NS;
      assert.ok(
        abs(movedNs - (isBelieved ? jumpNs : 0n)) < 1_000_000_000n,
        `its time moved by ${movedNs} ns`,
      );
      assert.equal(late.uplink?.connects, 1, node.log.slice(-2000));
      assert.equal(await node.stop(), 0);
      const livedMs = Number(native.bootTimeNs() - beganNs) / 1e6;

      const { streams } = late.store;
      await until('all that was committed then', () =>
        streams.every(({ stream, committed }) => (lineOf(stream)?.received ?? 0) >= committed),
      );
      function lineOf(stream: string) {
        return running.receiver.summary().find((line) => line.stream === stream);
      }
      for (const { stream } of streams) {
        const { received, missing, gaps, next } = lineOf(stream)!;
        assert.deepEqual([received, missing, gaps], [next, 0, {}], stream);
      }
      const rows = results.flatMap((result) => (result.kind === 'rows' ? [result.rows] : []));
      const timesNs = rows
        .filter(({ header }) => header.stream === 'climate')
        .sort((a, b) => a.header.first - b.header.first)
        .flatMap(({ block }) => [...block.timesNs]);
      assert.ok(
        timesNs.every((ns, i) => i === 0 || ns > timesNs[i - 1]!),
        'sequence order is the order of the boot clock',
      );
      const metas = results.flatMap((result) => (result.kind === 'meta' ? result.records : []));
      const anchors = metas.filter(({ kind }) => kind === 'anchor').length;
      // One at the start, and one for a jump that is believed; a kernel of ± 2 ms gives no other so soon.
      assert.equal(anchors, isBelieved ? 2 : 1);
      const [mostRows, mostCommits] = [livedMs / EVERY_MS + 2, livedMs / COMMIT_MS + 10];
      assert.ok(timesNs.length <= mostRows, `${timesNs.length} rows in ${livedMs} ms`);
      assert.ok(late.store.commits <= mostCommits, `${late.store.commits} commits in ${livedMs} ms`);
      t.diagnostic(
        `${timesNs.length} rows (${Math.floor(mostRows)} periods), ${late.store.commits} commits, ${anchors} anchors, 1 connection, 0 gaps, in ${(livedMs / 1000).toFixed(0)} s`,
      );
    });
  }
});

const abs = (value: bigint) => (value < 0n ? -value : value);
