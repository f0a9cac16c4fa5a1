import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AxeResults } from 'axe-core';
import { TOTP } from 'otpauth';
import { chromium, type Page } from 'playwright-core';
import { migrate, openSqlite } from '../../../fleet/db/index.js';
import { openPeople, PEOPLE_MIGRATIONS } from '../../../fleet/people/index.js';
import { createWeb } from '../../../fleet/web/index.js';
import { peoplePlugin } from '../../../fleet/web/people/index.js';
import { root } from '../../house/imports.js';
import { FakeStore, NOW_MS } from '../web/fake-store.js';
import { PASSWORD } from './world.js';

const CHROMIUM = '/usr/bin/chromium';
const LOOKS = [
  { size: { width: 360, height: 740 }, colorScheme: 'dark' },
  { size: { width: 1280, height: 900 }, colorScheme: 'light' },
] as const;
const axe = readFileSync(`${root}/node_modules/axe-core/axe.min.js`, 'utf8');

test('in a browser, from the first secret to a code, every page sound for all', {
  skip: existsSync(CHROMIUM) ? false : 'chromium is not installed',
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-people-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const db = openSqlite(join(folder, 'fleet.db'));
  t.after(() => db.close());
  await migrate(db, PEOPLE_MIGRATIONS);
  let nowMs = NOW_MS;
  const people = openPeople(db, { nowMs: () => nowMs, random: randomBytes });
  const app = createWeb({
    store: new FakeStore(2),
    news: { on: () => undefined, off: () => undefined },
    plugins: [peoplePlugin({ people, nowMs: () => nowMs })],
    health: () => ({ services: [] }),
    openAlerts: async () => new Map(),
    audit: (entry) => people.audit.write(entry),
    nowMs: () => nowMs,
  });
  t.after(() => app.close());
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  t.after(() => browser.close());
  const page = await browser.newPage();
  const press = (name: string) => page.getByRole('button', { name }).click();

  await page.goto(`${url}/logs`);
  assert.equal(page.url(), `${url}/first`);
  await isSound(page);
  await page.getByLabel('Secret').fill((await people.signIn.firstSecret())!);
  await page.getByLabel('Your name').fill('Anna');
  await page.getByLabel('New password').fill(PASSWORD);
  await press('Own this fleet');
  assert.equal(page.url(), `${url}/`);

  await page.getByRole('link', { name: 'People' }).click();
  await page.getByLabel('Name').fill('Ben');
  await page.getByLabel('prod').selectOption('operator');
  await press('Make a link');
  await isSound(page);
  const guest = await (await browser.newContext()).newPage();
  await guest.goto(await page.locator('code').innerText());
  await isSound(guest);
  await guest.getByLabel('New password').fill(PASSWORD);
  await guest.getByRole('button', { name: 'Sign in' }).click();
  assert.equal(guest.url(), `${url}/`);
  await guest.getByRole('link', { name: 'People' }).click();
  await guest.getByText('This needs the role owner in every group.').waitFor();

  await page.goto(`${url}/me`);
  await page.locator('form[action="/me/code"]').getByLabel('Your password').fill(PASSWORD);
  await press('Begin with an app for codes');
  await isSound(page);
  const secret = (await page.locator('code').first().innerText()).replaceAll(' ', '');
  const code = () => new TOTP({ secret }).generate({ timestamp: nowMs });
  await page.getByLabel('The code that it shows').fill(code());
  await press('Ask for a code from now on');
  assert.equal(await page.locator('.once li').count(), 10);
  await isSound(page);
  await press('Sign out');
  nowMs += 30_000;
  await page.getByLabel('Name').fill('Anna');
  await page.getByLabel('Password').fill(PASSWORD);
  await press('Sign in');
  await page.getByText('Name, password or code is wrong.').waitFor();
  await isSound(page);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByLabel('Code').fill(code());
  await press('Sign in');
  assert.equal(page.url(), `${url}/`);
  for (const { id } of await people.directory.list()) {
    await page.goto(`${url}/people/${id}`);
    await isSound(page);
  }
  await page.goto(`${url}/people/audit`);
  assert.equal(await page.locator('tbody tr').count(), 7);
  await isSound(page);
});

/** On a phone in the dark, on a desktop in the light: axe finds nothing, and nothing sticks out. */
async function isSound(page: Page): Promise<void> {
  await page.evaluate(axe);
  for (const { size, colorScheme } of LOOKS) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate<AxeResults>('axe.run()');
    const faults = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    assert.deepEqual(faults, [], `${page.url()}, ${size.width}, ${colorScheme}`);
    const isTooWide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
    assert.ok(!isTooWide, `${page.url()} is wider than ${size.width}`);
  }
}
