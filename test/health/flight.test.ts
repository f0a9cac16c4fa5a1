import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Recorder } from '../../runtime/health/flight/recorder.js';
import { type FlightLine, parseFlight } from '../../runtime/health/index.js';
import type { PipelineStatus } from '../../runtime/pipeline.js';
import { MAIN, TestNode } from '../acceptance/harness.js';

const NODE_FILE = `
node: recorded
board: twin
parts:
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 200ms }
store: { path: STORE, size: 16 MB, commit: 100ms }
uplink: { url: 'mqtt://127.0.0.1:1', backoff: { min: 100ms, max: 1s } }
`;

/** A recorder on segments in memory, at a second of its own. */
function bench() {
  const segments: string[] = [''];
  const state = { nowNs: 0n, refuses: false };
  const said: string[] = [];
  const recorder = new Recorder(
    () => state.nowNs,
    {
      append: (text) => {
        if (state.refuses) throw new Error('no space');
        segments[segments.length - 1] += text;
      },
      turn: () => void segments.push(''),
    },
    (_level, text) => said.push(text),
  );
  return { recorder, segments, state, said };
}

test('a record is bounded: in bytes, in events a second, in the length of a text; its head is in each segment', () => {
  const { recorder, segments, state } = bench();
  recorder.head({ e: 'stream', stream: 'climate', class: 'telemetry' });
  for (let second = 0; second < 200; second++) {
    state.nowNs = BigInt(second) * 1_000_000_000n;
    for (let i = 0; i < 50; i++)
      recorder.note({ e: 'log', level: 'warn', module: 'm', text: 'x'.repeat(10_000) });
    assert.equal(recorder.takeLeft(), 10, '40 a second');
  }
  assert.ok(segments.length > 3);
  for (const segment of segments) {
    assert.ok(segment.length <= 128 * 1024, `${segment.length} bytes`);
    assert.equal(parseFlight(segment)[0]?.e, 'stream');
    assert.ok(segment.split('\n').every((line) => line.length < 300));
  }
});

test('memory that refuses is said once, and is no reason to stop; a torn last line is left out', () => {
  const { recorder, segments, state, said } = bench();
  recorder.note({ e: 'link', is: 'try' });
  state.refuses = true;
  for (let i = 0; i < 3; i++) recorder.note({ e: 'link', is: 'online' });
  assert.deepEqual(said, ["the flight record can't be written: no space"]);
  assert.deepEqual(parseFlight(`${segments[0]}{"t":12,"e":"li`), [{ t: 0, e: 'link', is: 'try' }]);
});

const climateOf = ({ store }: PipelineStatus) => store.streams.find(({ stream }) => stream === 'climate');
const dumps = (node: TestNode) => {
  const folder = join(node.storePath, 'dumps');
  return existsSync(folder) ? readdirSync(folder).sort() : [];
};

function cairn(node: TestNode, ...words: string[]) {
  return spawnSync(process.execPath, [MAIN, ...words, '--config', node.configFile], { encoding: 'utf8' });
}

test('a node that was killed leaves its last minutes; one that stopped in order leaves nothing', {
  timeout: 200_000,
}, async (t) => {
  const node = new TestNode(NODE_FILE);
  t.after(() => node.remove());
  const run = join(node.folder, 'run');
  mkdirSync(run);
  const start = () => node.start([MAIN, 'run', '--config', node.configFile], { RUNTIME_DIRECTORY: run });
  const refusedTwice = ({
    uplink,
  }: {
    readonly uplink?: { readonly link: { readonly state: string } } | undefined;
  }) => uplink?.link.state === 'waiting';
  start();
  await node.until(
    'rows and refusals',
    (status) => (climateOf(status)?.next ?? 0) > 12 && refusedTwice(status),
  );
  await node.stop('SIGKILL');
  assert.deepEqual(dumps(node), [], 'nothing is written to the flash while it runs');
  start();
  await node.until('it runs again', (status) => (climateOf(status)?.next ?? 0) > 40);
  assert.deepEqual(dumps(node), ['1.jsonl']);
  assert.match(node.log, /the last run did not end in order; its last minutes: cairn dump/);

  const lines = parseFlight(readFileSync(join(node.storePath, 'dumps/1.jsonl'), 'utf8'));
  const kinds = new Set(lines.map(({ e }) => e));
  for (const kind of ['start', 'stream', 'second', 'link'] as const) assert.ok(kinds.has(kind), kind);
  const down = lines.find(
    (line): line is FlightLine & { e: 'link'; is: 'down' } => line.e === 'link' && line.is === 'down',
  );
  assert.equal(down?.kind, 'refused');
  const shown = cairn(node, 'dump');
  assert.equal(shown.status, 0, shown.stderr);
  assert.match(shown.stdout, /it did not end in order\n[^\n]*start {2}cairn [\s\S]* link +down: refused/);

  const now = cairn(node, 'dump', '--now', '--json');
  assert.equal(now.status, 0, now.stderr);
  const both = parseFlight(now.stdout);
  assert.deepEqual(
    both.flatMap((line) => (line.e === 'start' ? [line.afterDump] : [])),
    [false, true],
    'the record goes on over a restart',
  );
  const counts = both.flatMap((line) => (line.e === 'second' ? (line.rows?.climate ?? 0) : 0));
  const rows = counts.reduce((sum, count) => sum + count, 0);
  assert.ok(rows >= 5, `${rows} rows`);
  assert.deepEqual(dumps(node), ['1.jsonl', '2.jsonl']);
  cairn(node, 'dump', '--now');
  assert.deepEqual(dumps(node), ['2.jsonl', '3.jsonl'], 'two are kept');

  assert.equal(await node.stop(), 0);
  start();
  await node.until('it runs a third time', ({ store }) => store.committedRows > 0);
  assert.deepEqual(dumps(node), ['2.jsonl', '3.jsonl'], 'it ended in order');
  // Seconds of life are not worth a dump that would push out another.
  await node.stop('SIGKILL');
  start();
  await node.until('it runs a fourth time', ({ store }) => store.committedRows > 0);
  assert.deepEqual(dumps(node), ['2.jsonl', '3.jsonl']);
  assert.equal(await node.stop(), 0);
  assert.equal(cairn(node, 'store', 'verify').status, 0, 'the store minds no dumps');
  const [size] = [
    dumps(node).reduce((sum, name) => sum + readFileSync(join(node.storePath, 'dumps', name)).length, 0),
  ];
  t.diagnostic(`2 dumps of ${size} bytes together`);
});

test('a dump is asked for that isn’t there', (t) => {
  const node = new TestNode(NODE_FILE);
  t.after(() => node.remove());
  const none = cairn(node, 'dump');
  assert.equal(none.status, 1);
  assert.match(none.stderr, /every run so far has ended in order/);
  assert.equal(cairn(node, 'dump', '--now').status, 1);
  writeFileSync(join(node.folder, 'empty'), 'what is this\n');
  assert.equal(cairn(node, 'dump', join(node.folder, 'empty')).status, 1);
  assert.equal(cairn(node, 'dump', join(node.folder, 'absent')).status, 2);
});
