import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { drivers } from '../../drivers/index.js';
import { formatProblem, loadConfig, type NodeConfig } from '../../runtime/config/index.js';
import { forecast, forecastLines, wearProblems } from '../../runtime/forecast.js';
import { root } from '../config/support.js';

const HEAD = 'node: n\nboard: twin\n';

function node(parts: string, store: string): NodeConfig {
  const text = `${HEAD}parts: { ${parts} }\nstore: { ${store} }\n`;
  const loaded = loadConfig('node.yaml', {
    readFile: (path) => {
      if (path === 'node.yaml') return text;
      if (path.endsWith('twin.yaml')) return TWIN;
      throw Object.assign(new Error(path), { code: 'ENOENT' });
    },
    listFiles: () => ['twin.yaml'],
    registry: { drivers },
    boardsPath: 'boards',
  });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.config;
}

const TWIN = readFileSync(join(root, 'board-configs/boards/twin.yaml'), 'utf8');
const CLIMATE = 'climate: { driver: bme280, bus: i2c-1, every: 1s }';
const CARD = 'flash: { size: 16 GB }';

const said = (config: NodeConfig) => wearProblems(config, forecast(config)).map(formatProblem);

test('a commit that would wear the declared flash out is refused where it stands, and what would be right is', () => {
  const fast = node(CLIMATE, `${CARD}, commit: 100ms`);
  const [problem, ...more] = said(fast);
  assert.deepEqual(more, []);
  const found =
    /^node\.yaml:4:42: store\.commit: a commit each 0\.1 s writes (.*) a day: a flash of 16 GB and 300 cycles lasts (\d+) days, not 5 years \(wanted: auto, or at least (.*) s\)$/.exec(
      problem!,
    );
  assert.ok(found, problem);
  const bearable = node(CLIMATE, `${CARD}, commit: ${found[3]}s`);
  assert.deepEqual(said(bearable), [], 'what it wants is accepted');
  const shorter = node(CLIMATE, `${CARD}, commit: ${Number(found[3]) * 0.95}s`);
  assert.equal(said(shorter).length, 1, 'and is no longer than it must be');
  assert.deepEqual(said(node(CLIMATE, CARD)), [], 'auto is always right here');
  assert.deepEqual(said(node(CLIMATE, 'flash: { size: 16 GB, cycles: 50000 }, commit: 100ms')), []);
});

test('live parts that the flash can’t bear are refused, and their own cost is told apart', () => {
  const live = CLIMATE.replace('1s', '1s, live: true');
  assert.match(
    said(node(live, CARD))[0]!,
    /^node\.yaml:3:10: parts\.climate: live streams \(climate\) write 1\.\d+ GB a day: a flash/,
  );
  const slow = forecast(node(live.replace('1s', '1min'), CARD));
  assert.equal(slow.isWornOut, false);
  assert.deepEqual(slow.live.streams, ['climate']);
  const large = forecast(node(live, 'flash: { size: 16 GB, cycles: 50000 }, commit: 10s'));
  assert.ok(large.live.bytesPerDay > 0.8 * large.bytesPerDay, 'one commit a second instead of ten');
  assert.equal(forecast(node(CLIMATE, CARD)).live.bytesPerDay, 0);
});

test('the window of each class is told before anything runs, and what is assumed is named', () => {
  const config = node(
    `${CLIMATE}, gps: { driver: gnss, port: uart0 }, sos: { driver: contact, line: GPIO17, role: sos }`,
    `${CARD}, commit: 20s`,
  );
  const cast = forecast(config);
  const window = (of: string) => cast.windows.find((one) => one.of === of);
  assert.deepEqual(window('alarm'), { of: 'alarm', ms: 0, rows: 0 });
  assert.equal(window('event')!.ms, 800);
  assert.deepEqual(window('telemetry'), { of: 'telemetry', ms: 20_000, rows: 40 });
  assert.deepEqual(cast.assumed, [
    'sos: one row an hour',
    'gps: one row a second',
    'gps.sky: one row a second',
  ]);
  assert.match(forecastLines(config, cast).join('\n'), /telemetry 20 s \(40 rows\)/);
});

test('a flash that nobody declared is taken as the device says, else as the smallest card', () => {
  const config = node(CLIMATE, 'commit: 1s');
  assert.equal(forecast(config).flash.sizeFrom, 'assumed');
  const device = { name: 'mmcblk0', isBlock: true, sizeBytes: 31.9e9 };
  const cast = forecast(config, device);
  assert.deepEqual(cast.flash, {
    sizeBytes: 31.9e9,
    sizeFrom: 'device',
    cycles: 300,
    lifeMs: 5 * 365 * 86_400_000,
  });
  assert.ok(forecast(config).years < cast.years);
});

test('every driver says its streams before it has a part', () => {
  for (const driver of drivers) {
    const options = driver.options['~standard'].validate({});
    const parsed = 'value' in (options as object) ? (options as { value: unknown }).value : {};
    const streams = driver.create({} as never, parsed as never).streams;
    assert.ok(streams.length > 0, driver.id);
  }
});

test('a store that its file system can’t carry is told with what it will take instead', () => {
  const config = node(CLIMATE, `${CARD}, size: 64 MB`);
  const lines = (capacityBytes?: number) =>
    forecastLines(config, { ...forecast(config), ...(capacityBytes ? { capacityBytes } : {}) }).filter(
      (line) => line.includes('store.size'),
    );
  assert.deepEqual(lines(64e6), [
    'TOO MUCH: store.size: 64 MB on a file system of 64 MB: compaction could fill it, so the store will take 51.2 MB (wanted: a file system of 80 MB, or a smaller store.size)',
  ]);
  assert.deepEqual(lines(80e6), []);
  assert.deepEqual(lines(), []);
});
