import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { root } from '../../house/imports.js';
import { NOW_MS } from './fake-store.js';
import { serve } from './served.js';

const CHROMIUM = '/usr/bin/chromium';
const NODE = '/nodes/a1b2c3d400000000';
const NOWHERE = '/nodes/nobody';
const PAGES = ['/', NODE, '/logs?level=error', '/health', NOWHERE];
const SIZES = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 900 } } as const;
const axe = readFileSync(`${root}/node_modules/axe-core/axe.min.js`, 'utf8');

describe('in a browser', { skip: existsSync(CHROMIUM) ? false : 'chromium is not installed' }, () => {
  const served = serve();
  const errors: string[] = [];
  let browser: Browser;
  let url = '';

  before(async () => {
    url = await served.app.listen({ host: '127.0.0.1', port: 0 });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  after(async () => {
    await browser.close();
    await served.app.close();
  });

  async function open(path: string): Promise<Page> {
    errors.length = 0;
    const page = await browser.newPage({ viewport: SIZES.desktop, colorScheme: 'light' });
    page.on('console', (said) => said.type() === 'error' && errors.push(said.text()));
    page.on('pageerror', ({ message }) => errors.push(message));
    await page.goto(url + path);
    // Charts are drawn where they are seen.
    if (path.startsWith(NODE)) await page.locator('figure').first().scrollIntoViewIfNeeded();
    return page;
  }

  for (const path of PAGES)
    test(`${path} is sound for all, on a phone and a desktop, light and dark`, async () => {
      const page = await open(path);
      if (path === NODE) await page.waitForSelector('canvas');
      await page.evaluate(axe);
      for (const [size, viewport] of Object.entries(SIZES))
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.setViewportSize(viewport);
          await page.emulateMedia({ colorScheme });
          const { violations } = await page.evaluate<AxeResults>('axe.run()');
          const faults = violations.map(
            ({ id, nodes }) => `${id}: ${nodes.map((one) => one.html).join(' ')}`,
          );
          assert.deepEqual(faults, [], `${size}, ${colorScheme}`);
          const isTooWide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
          assert.ok(!isTooWide, `it is wider than a ${size}`);
        }
      const unexpected = errors.filter((error) => !(path === NOWHERE && error.includes('404')));
      assert.deepEqual(unexpected, []);
      await page.close();
    });

  test('a reading moves by itself, on the page and in its chart', async () => {
    const page = await open(NODE);
    await page.getByText('Follows live.').waitFor();
    await page
      .getByText(/readings from/)
      .first()
      .waitFor();
    served.store.temperature = 77.25;
    served.news.emit('change', { kind: 'node', node: 'a1b2c3d400000000', streamId: 0n });
    await page.locator('#stream-0').getByText('77.25 °C').waitFor({ timeout: 10_000 });
    await page
      .locator('figure[data-stream="0"] .said')
      .getByText(/to 77\.25/)
      .waitFor({ timeout: 10_000 });
    served.store.temperature = 21.5;
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('the page says by itself that the database is down, and that it is back', async () => {
    const page = await open('/');
    await page.getByText('Follows live.').waitFor();
    served.store.isDown = true;
    served.news.emit('change', { kind: 'health' });
    await page.getByText("The database doesn't answer.").waitFor({ timeout: 10_000 });
    assert.ok(await page.getByText('24 nodes').isVisible());
    served.store.isDown = false;
    served.news.emit('change', { kind: 'health' });
    await page.getByText("The database doesn't answer.").waitFor({ state: 'detached', timeout: 10_000 });
    await page.close();
  });

  test('what somebody types in stays where it is when notices come above it', async () => {
    const page = await open('/');
    await page.getByText('Follows live.').waitFor();
    const field = page.locator('[name=search]');
    await field.pressSequentially('hu');
    const before = await field.boundingBox();
    const sinceMs = NOW_MS - 5_000;
    const lacking = ['news', 'times', 'alerts'].map((name) => ({ name, why: 'needs database' }));
    const well = served.services;
    served.services = [{ name: 'database', why: 'it is off' }, ...lacking].map((one) => ({
      ...{ ...one, state: 'unhealthy', sinceMs },
    }));
    served.news.emit('change', { kind: 'health' });
    await page.getByText('it is off').waitFor({ timeout: 10_000 });
    const after = await field.boundingBox();
    assert.ok(Math.abs(after!.y - before!.y) < 2, `${before!.y} became ${after!.y}`);
    await page.keyboard.type('t');
    assert.equal(await field.inputValue(), 'hut');
    served.services = well;
    await page.close();
  });

  test('a page that nothing is told to grows old by itself: a silence is no news', async () => {
    const page = await browser.newPage();
    await page.clock.install();
    await page.goto(url);
    await page.getByText('Follows live.').waitFor();
    await page.clock.runFor(3_000);
    served.nowMs += 60_000;
    await page.clock.runFor(33_000);
    await page.locator('#list').getByText('80 s ago').first().waitFor({ timeout: 5_000 });
    served.nowMs = NOW_MS;
    await page.close();
  });

  test('a page that can not be brought up to date says so, and follows again by itself', async () => {
    const page = await open('/');
    const { news } = served;
    await page.getByText('Follows live.').waitFor();
    await page.route(`${url}/`, (route) => route.fulfill({ status: 503 }));
    news.emit('change', { kind: 'health' });
    await page.getByText(/could not be brought up to date \(503\)/).waitFor({ timeout: 10_000 });
    await page.unroute(`${url}/`);
    news.emit('change', { kind: 'health' });
    await page.getByText('Follows live.').waitFor({ timeout: 10_000 });
    await page.route(`${url}/`, (route) => route.fulfill({ status: 303, headers: { location: '/health' } }));
    news.emit('change', { kind: 'health' });
    await page.getByText(/signed out/).waitFor({ timeout: 10_000 });
    assert.ok(await page.getByText('24 nodes').isVisible());
    await page.close();
  });

  test('by keyboard: the skip link first, and who stands on a link stays there when the list moves', async () => {
    const page = await open('/');
    await page.getByText('Follows live.').waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content');
    const link = page.getByRole('link', { name: 'Hut 3', exact: true });
    await link.focus();
    served.nowMs += 5_000;
    served.news.emit('change', { kind: 'node', node: 'any' });
    await page.locator('#list').getByText('25 s ago').first().waitFor({ timeout: 10_000 });
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Hut 3');
    served.nowMs = NOW_MS;
    await page.close();
  });

  test('nothing is drawn across a hole, and the hole is shaded', async () => {
    const page = await open(`${NODE}?hours=24`);
    const chart = page.locator('figure[data-stream="0"][data-channel="0"]');
    await chart.locator('canvas').waitFor();
    await chart.getByText('120 lost: no room.').waitFor();
    // Of the day that is shown, the hole is from hour 15 to hour 17.
    for (let i = 0; i < 200 && (await page.evaluate<number>(linePixels(13, 14.8))) < 30; i++)
      await page.waitForTimeout(50);
    const beside = await page.evaluate<number>(linePixels(13, 14.8));
    assert.ok(beside >= 30, 'the line is drawn beside the hole');
    const inHole = await page.evaluate<number>(linePixels(15.1, 16.9));
    assert.equal(inHole, 0, 'the line is drawn within the hole');
    await page.close();
  });
});

/** For the browser: how many pixels of the first chart, between two of its 24 hours, are as green as its line (#1f6f5c; its band is much paler). */
function linePixels(fromHour: number, toHour: number): string {
  return `(() => {
    const canvas = document.querySelector('figure canvas');
    const plot = document.querySelector('figure .u-over');
    const ratio = canvas.width / canvas.clientWidth;
    const hour = (plot.clientWidth * ratio) / 24;
    const left = Math.round(plot.offsetLeft * ratio + ${fromHour} * hour);
    const { data } = canvas.getContext('2d').getImageData(left, 0, Math.round(${toHour - fromHour} * hour), canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4)
      if (data[i + 1] - data[i] > 50 && data[i + 3] > 200) count++;
    return count;
  })()`;
}
