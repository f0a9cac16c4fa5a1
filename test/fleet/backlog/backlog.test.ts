import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { chromium, type Page } from 'playwright-core';
import { WITHOUT_POSTGRES } from '../../support/postgres.js';
import { until } from '../../support/until.js';
import {
  accountsOf,
  checkAccount,
  checkAlerts,
  checkCharts,
  checkLogs,
  checkMails,
  RULES,
} from './checks.js';
import { Day, HOUR_MS, type Message, NODE } from './day.js';
import { cellsOf, noteSeries, noteStates, seriesOf } from './seen.js';
import { openWorld } from './world.js';

const CHROMIUM = '/usr/bin/chromium';
const WITHOUT_CHROMIUM = existsSync(CHROMIUM) ? false : 'chromium is not installed';
/** A folder for what the browser showed, for people. */
const PICTURES = process.env.CAIRN_PICTURES;
/** High enough for all charts of the node: one that is out of sight is not loaded. */
const VIEWPORT = { width: 1280, height: 2_600 };
/** For a page to follow. */
const WITHIN_MS = 30_000;

for (const on of ['sqlite', 'postgres'] as const)
  test(
    `a day that comes late comes right by itself in a browser, on ${on}`,
    {
      skip: WITHOUT_CHROMIUM || (on === 'postgres' && WITHOUT_POSTGRES),
    },
    (t) => lateDay(t, on),
  );

async function lateDay(t: TestContext, on: 'sqlite' | 'postgres'): Promise<void> {
  const world = await openWorld(t, on, RULES);
  const day = new Day(world.nowMs());
  const [untimed, timed, newest] = [day.backlog(1), day.backlog(2), day.newest()];
  await world.send([day.firstMeta(), ...newest]);
  const open = await browse(t, world.web);
  const node = await open(`/nodes/${NODE}?hours=24`);
  noteSeries(node);
  const states = await noteStates(node);
  const [alerts, logs] = [await open('/alerts?show=all'), await open('/logs?level=error')];
  const pages = { node, alerts, logs };
  const live = async () => {
    world.skip(8_000);
    await world.send([day.live('climate', world.nowMs())]);
  };
  await live();
  await until('live', async () => (await states()).includes('live'), WITHIN_MS);

  // The first boot has no time yet: its rows are there, and stand nowhere.
  const [first, ...others] = chunksOf(shuffled(untimed, 7), 10);
  await world.send(first!);
  await until(
    'a backlog, of rows without a time',
    async () => (await states()).includes('backlog'),
    WITHIN_MS,
  );
  const rest = chunksOf(shuffled([...others.flat(), ...timed], 8), 6);
  const half = Math.floor(rest.length / 2);
  for (const chunk of rest.slice(0, half)) await world.send(chunk);
  await live();
  await world.send([day.gaps()]);
  const stream = String((await accountsOf(world)).get('climate')!.id);
  const climate = () => seriesOf(node, stream, 0);
  await until(
    'some of it in the chart',
    () => (climate()?.timeless ?? 0) > 0 && climate()!.holes.length > 0,
    WITHIN_MS,
  );
  await picture(pages, `${on}-middle`);
  for (const chunk of rest.slice(half)) await world.send(chunk);
  const timeless = day.kept('climate').filter(({ boot }) => boot === 1).length;
  const said = node.locator(`figure[data-stream="${stream}"] .said`).first();
  await said.getByText(`${timeless.toLocaleString('en-US')} more at a time that is not known yet`).waitFor();
  const ofFirstBoot = climate()!.buckets.filter(({ wallMs }) => wallMs < day.beginMs + 14.5 * HOUR_MS);
  assert.deepEqual(ofFirstBoot, [], 'no row stands where only a guess would put it');
  const unknown = (page: Page) => page.getByText('time not known').count();
  assert.ok((await unknown(alerts)) > 0 && (await unknown(logs)) > 0);

  // The anchor comes, and nothing else: each page is told.
  await world.send([day.lateAnchor()]);
  await until('all times in the chart', () => climate()!.timeless === 0, WITHIN_MS);
  for (const page of [alerts, logs])
    await until('all times on the page', async () => (await unknown(page)) === 0, WITHIN_MS);
  for (let i = 0; i < 4; i++) await live();
  await until('live again', async () => (await states()).at(-1) === 'live', WITHIN_MS);

  const check = async () => {
    await checkAccount(world, day);
    await checkCharts(node, world, day);
    await checkAlerts(alerts, day);
    await checkLogs(logs, world, day);
    await checkMails(world, day);
  };
  await check();
  await picture(pages, `${on}-end`);
  const before = { alerts: await cellsOf(alerts, '#alerts'), mails: world.sink.mails.length };
  await world.send(shuffled([...untimed, ...timed, ...newest], 9));
  await live();
  await check();
  assert.deepEqual({ alerts: await cellsOf(alerts, '#alerts'), mails: world.sink.mails.length }, before);
  assert.deepEqual(
    await states(),
    ['live', 'backlog', 'live'],
    'as the page showed it, and it was never loaded anew',
  );
}

/** Opens pages that follow live. */
async function browse(t: TestContext, web: string): Promise<(path: string) => Promise<Page>> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  t.after(() => browser.close());
  const context = await browser.newContext({ viewport: VIEWPORT, colorScheme: 'light' });
  context.setDefaultTimeout(WITHIN_MS);
  return async (path) => {
    const page = await context.newPage();
    await page.goto(web + path);
    await page.getByText('Follows live.').waitFor();
    return page;
  };
}

/** Always the same disorder. */
function shuffled(messages: readonly Message[], seed: number): readonly Message[] {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
  return messages
    .map((message) => ({ message, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ message }) => message);
}

function chunksOf<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

/** On a phone and a desktop, light and dark. */
async function picture(pages: Readonly<Record<string, Page>>, moment: string): Promise<void> {
  if (!PICTURES) return;
  for (const [name, page] of Object.entries(pages)) {
    for (const colorScheme of ['dark', 'light'] as const)
      for (const width of [390, 1280]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 844 });
        const path = `${PICTURES}/${moment}-${name}-${width}-${colorScheme}.png`;
        await page.screenshot({ path, fullPage: true });
      }
    await page.setViewportSize(VIEWPORT);
  }
}
