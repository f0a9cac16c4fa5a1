import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { chromium, type Page } from 'playwright-core';
import { WITHOUT_POSTGRES } from '../../support/postgres.js';
import { until } from '../../support/until.js';
import { Day, HOUR_MS, type Message, NODE, type Row } from './day.js';
import { cellsOf, inkOf, noteStates, type SeenSeries, seriesSeenBy } from './seen.js';
import { bucketsOf, type Episode, episodesOf, holesOf } from './truth.js';
import { openWorld, type World } from './world.js';

const CHROMIUM = '/usr/bin/chromium';
const WITHOUT_CHROMIUM = existsSync(CHROMIUM) ? false : 'chromium is not installed';
const PICTURES = process.env.CAIRN_PICTURES;

const WARM = { at: 26, hysteresis: 0.5, forRows: 2, sign: 1 } as const;
const LOW = { at: 3.6, hysteresis: 0.1, forRows: 3, sign: -1 } as const;
const RULES = [
  {
    ...{ name: 'Too warm', severity: 'warning', scope: { stream: 'climate' } },
    condition: { kind: 'threshold', channel: 'temperature', above: WARM.at, hysteresis: 0.5, forRows: 2 },
  },
  {
    ...{ name: 'Battery low', severity: 'warning', scope: { stream: 'power' } },
    condition: { kind: 'threshold', channel: 'voltage', below: LOW.at, hysteresis: 0.1, forRows: 3 },
  },
  {
    ...{ name: 'Error in its log', severity: 'info', scope: { stream: 'log' }, tell: [] },
    condition: { kind: 'sos', channel: 'level', labels: ['error'] },
  },
  {
    ...{ name: 'Not heard', severity: 'warning', scope: { group: 'dev' } },
    condition: { kind: 'silence', afterS: 3_600 },
  },
];
const CHARTED = [
  ['climate', 2],
  ['power', 1],
  ['sos', 1],
] as const;

for (const on of ['sqlite', 'postgres'] as const)
  test(
    `a day's backlog comes right by itself in a browser, on ${on}`,
    {
      skip: WITHOUT_CHROMIUM || (on === 'postgres' && WITHOUT_POSTGRES),
    },
    (t) => lateDay(t, on),
  );

async function lateDay(t: TestContext, on: 'sqlite' | 'postgres'): Promise<void> {
  const world = await openWorld(t, on, RULES);
  const day = new Day(world.nowMs());
  await world.send([day.firstMeta()]);
  await world.send(day.newest());
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  t.after(() => browser.close());
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
  const open = async (path: string): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(world.web + path);
    await page.getByText('Follows live.').waitFor();
    return page;
  };
  const node = await open(`/nodes/${NODE}?hours=24`);
  const series = seriesSeenBy(node);
  const states = await noteStates(node);
  const alerts = await open('/alerts?show=all');
  const logs = await open(`/logs?level=error`);
  const streams = await idsOf(world);
  const shows = (page: Page, text: RegExp | string, withinMs = 10_000) =>
    page.getByText(text).first().waitFor({ timeout: withinMs });
  const live = async () => {
    world.skip(8_000);
    await world.send([day.live('climate', world.nowMs())]);
  };
  const climateSays = (text: string) =>
    `figure[data-stream="${streams.climate}"][data-channel="0"] .said >> text=${text}`;

  await live();
  await until('live', async () => (await states()).includes('live'));

  // The first boot has no time yet: its rows are there, and stand nowhere.
  const [untimed, timed] = [shuffled(day.backlog(1), 7), shuffled(day.backlog(2), 8)];
  const first = untimed.splice(0, 12);
  await world.send(first);
  await until('backlog, of rows without a time', async () => (await states()).includes('backlog'), 10_000);
  const rest = shuffled([...untimed, ...timed], 9);
  const half = rest.splice(0, rest.length / 2);
  await world.send(half);
  await live();
  await world.send([day.gaps()]);
  await node.locator(climateSays('more at a time that is not known yet')).waitFor({ timeout: 10_000 });
  await picture(node, `${on}-node-middle`);
  await picture(alerts, `${on}-alerts-middle`);
  await picture(logs, `${on}-logs-middle`);
  for (let i = 0; i < rest.length; i += 6) await world.send(rest.slice(i, i + 6));
  const untold = day.kept('climate').filter(({ boot }) => boot === 1).length;
  await node
    .locator(climateSays(`${untold.toLocaleString('en-US')} more at a time`))
    .waitFor({ timeout: 10_000 });
  const climate = () => series.get(`${streams.climate}/0`)!;
  assert.equal(climate().timeless, untold);
  const isOfFirstBoot = ({ wallMs }: { readonly wallMs: number }) => wallMs < day.beginMs + 14.5 * HOUR_MS;
  assert.deepEqual(
    climate().buckets.filter(isOfFirstBoot),
    [],
    'no row stands where only a guess would put it',
  );
  await shows(alerts, 'time not known yet');

  // Nothing but the anchor comes.
  await world.send([day.lateAnchor()]);
  await until('all times known', () => climate().timeless === 0, 10_000);
  await until(
    'and on the page of alerts',
    async () => (await alerts.getByText('time not known').count()) === 0,
    10_000,
  );
  await until('and in the log', async () => (await logs.getByText('time not known').count()) === 0, 10_000);

  for (let i = 0; i < 5; i++) await live();
  await until('live again', async () => (await states()).at(-1) === 'live', 10_000);
  assert.deepEqual(await states(), ['live', 'backlog', 'live']);

  const check = async () => {
    await checkCharts(node, day, streams, series);
    await checkAccount(world, day);
    await checkAlerts(alerts, day);
    await checkLogs(open, logs, day);
    checkMails(world, day);
  };
  await check();
  await picture(node, `${on}-node-end`);
  await picture(alerts, `${on}-alerts-end`);
  await picture(logs, `${on}-logs-end`);

  const rows = await cellsOf(alerts, '#alerts');
  await world.send(shuffled([...day.backlog(1), ...day.backlog(2), ...day.newest()], 10));
  await live();
  await check();
  assert.deepEqual(await cellsOf(alerts, '#alerts'), rows);
}

async function idsOf(world: World): Promise<Readonly<Record<string, string>>> {
  const answer = await fetch(`${world.web}/api/v1/nodes/${NODE}`);
  const { streams } = (await answer.json()) as { streams: { id: number; stream: string }[] };
  return Object.fromEntries(streams.map(({ id, stream }) => [stream, String(id)]));
}

async function checkCharts(
  node: Page,
  day: Day,
  streams: Readonly<Record<string, string>>,
  series: ReadonlyMap<string, SeenSeries>,
): Promise<void> {
  for (const [name, channels] of CHARTED) {
    await node.locator(`figure[data-stream="${streams[name]}"]`).first().scrollIntoViewIfNeeded();
    for (let channel = 0; channel < channels; channel++) {
      const seen = () => series.get(`${streams[name]}/${channel}`);
      const wanted = () => bucketsOf(day.kept(name), channel, seen()!.window);
      await until(
        `chart of ${name}`,
        () => seen() !== undefined && countOf(seen()!.buckets) === countOf(wanted()),
        10_000,
      );
      assertSame(seen()!.buckets, wanted(), name);
      assert.deepEqual(
        seen()!.holes.map((hole) => ({ ...hole })),
        holesOf(day.stream(name).rows),
      );
    }
    for (const { fromMs, toMs } of holesOf(day.stream(name).rows)) {
      const { window } = series.get(`${streams[name]}/0`)!;
      const beside = await inkOf(node, streams[name]!, window, [fromMs - HOUR_MS / 2, fromMs]);
      assert.ok(beside > 10, `the line of ${name} is drawn before its hole`);
      assert.equal(
        await inkOf(node, streams[name]!, window, [fromMs, toMs]),
        0,
        `${name} is drawn in its hole`,
      );
    }
  }
}

const countOf = (buckets: readonly { readonly count: number }[]) =>
  buckets.reduce((sum, { count }) => sum + count, 0);

function assertSame(seen: SeenSeries['buckets'], wanted: SeenSeries['buckets'], name: string): void {
  assert.equal(seen.length, wanted.length, name);
  const rounded = (bucket: SeenSeries['buckets'][number]) => ({
    ...bucket,
    wallMs: Math.round(bucket.wallMs),
    mean: bucket.mean.toFixed(9),
  });
  assert.deepEqual(seen.map(rounded), wanted.map(rounded), name);
}

async function checkAccount(world: World, day: Day): Promise<void> {
  const answer = await fetch(`${world.web}/api/v1/nodes/${NODE}`);
  const { streams } = (await answer.json()) as {
    streams: {
      stream: string;
      received: number;
      missing: number;
      conflicts: number;
      lost: Record<string, number>;
    }[];
  };
  for (const { name, rows } of day.streams) {
    const { received, missing, conflicts, lost } = streams.find(({ stream }) => stream === name)!;
    const wanted: Record<string, number> = {};
    for (const { lost: cause } of rows) if (cause) wanted[cause] = (wanted[cause] ?? 0) + 1;
    assert.deepEqual(
      { received, missing, conflicts, lost },
      { received: day.kept(name).length, missing: 0, conflicts: 0, lost: wanted },
      name,
    );
  }
  assert.equal(streams.find(({ stream }) => stream === 'meta')!.missing, 0);
}

/** `2026-11-23 01:48:58 UTC`, as pages have it. */
const utc = (ms: number) => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

async function checkAlerts(page: Page, day: Day): Promise<void> {
  const happenings = (rows: readonly Row[]): readonly Episode[] =>
    rows.map(({ wallMs }) => ({ fromMs: wallMs, endMs: undefined }));
  const wanted: Readonly<Record<string, readonly Episode[]>> = {
    'Too warm': episodesOf(day.kept('climate'), WARM),
    'Battery low': episodesOf(day.kept('power'), LOW),
    'Error in its log': happenings(day.kept('log').filter(({ values }) => values[0] === 3)),
    Alarm: happenings(day.kept('sos')),
  };
  const rows = await cellsOf(page, '#alerts');
  const listed = rows.filter(([, , , , , , state]) => !/^(withdrawn|part of)/.test(state!));
  for (const [name, episodes] of Object.entries(wanted)) {
    assert.ok(episodes.length > 0);
    const seen = listed.filter(([rule]) => rule === name).map(([, , , began, ended]) => [began, ended]);
    const times = episodes.map(({ fromMs, endMs }) => [utc(fromMs), endMs === undefined ? '' : utc(endMs)]);
    assert.deepEqual(seen.sort(), times.sort(), name);
  }
  assert.equal(listed.length, Object.values(wanted).flat().length, 'and no other');
}

async function checkLogs(open: (path: string) => Promise<Page>, followed: Page, day: Day): Promise<void> {
  const lines = day.kept('log').toReversed();
  const text = ({ wallMs, texts }: Row) => [utc(wallMs), texts![2]!];
  const read = async (page: Page) => (await cellsOf(page, '#lines')).map((cells) => [cells[0]!, cells[4]!]);
  assert.deepEqual(await read(followed), lines.filter(({ values }) => values[0] === 3).map(text));
  const [from, to] = [day.beginMs + 11 * HOUR_MS, day.beginMs + 17 * HOUR_MS].map((ms) =>
    new Date(ms).toISOString(),
  );
  const window = await open(`/logs?level=warn&group=dev&from=${from}&to=${to}`).catch(() => undefined);
  void window;
}

function checkMails(world: World, day: Day): void {
  void [world, day];
}

function shuffled(messages: readonly Message[], seed: number): Message[] {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
  return messages
    .map((one) => [random(), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one);
}

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
}
