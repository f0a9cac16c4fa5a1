import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { LogLevel } from '../../../wire/index.js';
import { until } from '../../support/until.js';
import { type Day, HOUR_MS, NODE, type Row } from './day.js';
import { cellsOf, inkOf, type SeenSeries, seriesOf } from './seen.js';
import { bucketsOf, type Episode, episodesOf, holesOf } from './truth.js';
import type { World } from './world.js';

const WARM = { at: 26, hysteresis: 0.5, forRows: 2 } as const;
const LOW = { at: 3.6, hysteresis: 0.1, forRows: 3 } as const;
/** Beside those that are there from the start; "Not heard" never holds. */
export const RULES = [
  {
    ...{ name: 'Too warm', severity: 'warning', scope: { stream: 'climate' } },
    condition: { kind: 'threshold', channel: 'temperature', above: 26, hysteresis: 0.5, forRows: 2 },
  },
  {
    ...{ name: 'Battery low', severity: 'warning', scope: { stream: 'power' } },
    condition: { kind: 'threshold', channel: 'voltage', below: 3.6, hysteresis: 0.1, forRows: 3 },
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
const LEVEL: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const WITHIN_MS = 30_000;

interface StreamAccount {
  readonly id: number;
  readonly stream: string;
  readonly received: number;
  readonly missing: number;
  readonly conflicts: number;
  readonly lost: Readonly<Record<string, number>>;
}

export async function accountsOf({ web }: World): Promise<ReadonlyMap<string, StreamAccount>> {
  const answer = await fetch(`${web}/api/v1/nodes/${NODE}`);
  const { streams } = (await answer.json()) as { readonly streams: readonly StreamAccount[] };
  return new Map(streams.map((one) => [one.stream, one]));
}

/** Nothing is missing, and what is lost are the gaps. */
export async function checkAccount(world: World, day: Day): Promise<void> {
  const accounts = await accountsOf(world);
  for (const { name, rows } of day.streams) {
    const { received, missing, conflicts, lost } = accounts.get(name)!;
    const wanted: Record<string, number> = {};
    for (const { lost: cause } of rows) if (cause) wanted[cause] = (wanted[cause] ?? 0) + 1;
    assert.deepEqual(
      { received, missing, conflicts, lost },
      { received: day.kept(name).length, missing: 0, conflicts: 0, lost: wanted },
      name,
    );
  }
  assert.equal(accounts.get('meta')!.missing, 0);
}

/** What the page's script was given is what the rows say, and its canvas has no line where there are none. */
export async function checkCharts(node: Page, world: World, day: Day): Promise<void> {
  const accounts = await accountsOf(world);
  for (const [name, channels] of CHARTED) {
    const stream = String(accounts.get(name)!.id);
    const holes = holesOf(day.stream(name).rows);
    for (let channel = 0; channel < channels; channel++) {
      const wanted = ({ window }: SeenSeries) => bucketsOf(day.kept(name), channel, window);
      await until(
        `all of ${name} in its chart`,
        () => {
          const given = seriesOf(node, stream, channel);
          return given !== undefined && countOf(given.buckets) === countOf(wanted(given));
        },
        WITHIN_MS,
      );
      const seen = seriesOf(node, stream, channel)!;
      assert.deepEqual(seen.buckets.map(rounded), wanted(seen).map(rounded), name);
      assert.deepEqual(seen.holes, holes, name);
    }
    // An alarm says nothing of the time until the next one.
    if (name === 'sos') assert.equal(await inkBetween(node, stream, day.kept(name)), 0);
    for (const { fromMs, toMs } of holes) {
      const { window } = seriesOf(node, stream, 0)!;
      const before = () => inkOf(node, stream, window, [fromMs - HOUR_MS / 2, fromMs]);
      await until(`the line of ${name} up to its hole`, async () => (await before()) > 10, WITHIN_MS);
      const within = await inkOf(node, stream, window, [fromMs, toMs]);
      assert.equal(within, 0, `${name} is drawn in its hole`);
    }
  }
}

/** Between two rows, a quarter of an hour from either. */
async function inkBetween(node: Page, stream: string, [_, one, next]: readonly Row[]): Promise<number> {
  const { window } = seriesOf(node, stream, 0)!;
  return inkOf(node, stream, window, [one!.wallMs + HOUR_MS / 4, next!.wallMs - HOUR_MS / 4]);
}

function countOf(buckets: SeenSeries['buckets']): number {
  return buckets.reduce((sum, { count }) => sum + count, 0);
}

/** A mean may be summed in another order. */
function rounded(bucket: SeenSeries['buckets'][number]) {
  return { ...bucket, wallMs: Math.round(bucket.wallMs), mean: bucket.mean.toFixed(9) };
}

/** `2026-11-23 01:48:58 UTC`, as pages have it. */
function utc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Those that hold or held, with when they began and ended. */
export async function checkAlerts(page: Page, day: Day): Promise<void> {
  const happenings = (rows: readonly Row[]): readonly Episode[] =>
    rows.map(({ wallMs }) => ({ fromMs: wallMs, endMs: undefined }));
  const wanted: Readonly<Record<string, readonly Episode[]>> = {
    'Too warm': episodesOf(day.kept('climate'), { ...WARM, sign: 1 }),
    'Battery low': episodesOf(day.kept('power'), { ...LOW, sign: -1 }),
    'Error in its log': happenings(day.kept('log').filter(({ values }) => values[0] === LEVEL.error)),
    Alarm: happenings(day.kept('sos')),
  };
  const rows = await cellsOf(page, '#alerts');
  const listed = rows.filter((cells) => !/^(withdrawn|part of another)/.test(cells.at(-1)!));
  const withoutDoubt = (time: string) => time.replace(/\s±.*$/, '');
  for (const [name, episodes] of Object.entries(wanted)) {
    const seen = listed.filter(([rule]) => rule === name).map((cells) => cells.slice(3, 5).map(withoutDoubt));
    const times = episodes.map(({ fromMs, endMs }) => [utc(fromMs), endMs === undefined ? '' : utc(endMs)]);
    assert.ok(times.length > 0);
    assert.deepEqual(seen.sort(), times.sort(), name);
  }
  assert.equal(listed.length, Object.values(wanted).flat().length, 'and no other');
}

/** The page that followed all the while, and a window by level and group. */
export async function checkLogs(followed: Page, world: World, day: Day): Promise<void> {
  const read = async (page: Page) => (await cellsOf(page, '#lines')).map((cells) => [cells[0]!, cells[4]!]);
  const lines = (level: LogLevel, fromMs: number, toMs: number) =>
    day
      .kept('log')
      .filter(({ wallMs, values }) => values[0]! >= LEVEL[level] && wallMs >= fromMs && wallMs < toMs)
      .map(({ wallMs, texts }) => [utc(wallMs), texts![2]!])
      .reverse();
  assert.deepEqual(await read(followed), lines('error', 0, Number.POSITIVE_INFINITY));
  const page = await followed.context().newPage();
  const [fromMs, toMs] = [day.beginMs + 11 * HOUR_MS, day.beginMs + 17 * HOUR_MS];
  const window = `level=warn&from=${new Date(fromMs).toISOString()}&to=${new Date(toMs).toISOString()}`;
  await page.goto(`${world.web}/logs?group=dev&${window}`);
  assert.deepEqual(await read(page), lines('warn', fromMs, toMs));
  await page.goto(`${world.web}/logs?group=prod&${window}`);
  assert.deepEqual(await read(page), []);
  await page.close();
}

/** Each alarm is told, whenever it was, and what is old isn't told as if it were of now. */
export async function checkMails({ sink }: World, day: Day): Promise<void> {
  const texts = () =>
    sink.mails.map(({ source }) =>
      source.replaceAll('=\r\n', '').replaceAll('=C2=B1', '±').replaceAll('\r\n', '\n'),
    );
  const alarms = () => texts().filter((text) => text.includes('\nSubject: [critical] Alarm'));
  await until('a mail of each alarm', () => alarms().length >= day.kept('sos').length, WITHIN_MS);
  assert.equal(alarms().length, day.kept('sos').length);
  for (const { wallMs } of day.kept('sos').filter(({ boot }) => boot === 2)) {
    const mail = alarms().find((text) => text.includes(`\nWhen:   ${utc(wallMs)}`));
    assert.match(mail ?? '', /\nThis is old: it arrived /, `the alarm of ${utc(wallMs)}`);
  }
  for (const text of texts().filter((one) => !/Battery low|: \[warning\] Ended/.test(one)))
    assert.match(text, /\nThis is old: it arrived /);
}
