import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { chromium, type Page } from 'playwright-core';
import { openDatabase } from '../../../fleet/db/index.js';
import { WITHOUT_MOSQUITTO } from '../../support/broker.js';
import { WITHOUT_POSTGRES } from '../../support/postgres.js';
import { until } from '../../support/until.js';
import { LoadNode } from './nodes.js';
import { shows } from './watcher.js';
import { makeWorld, type World } from './world.js';

/** Rounds of outages: each takes every part away once, some of them together. */
const ROUNDS = Number(process.env.CAIRN_OUTAGES ?? 1);
const NODES = 30;
const CHROMIUM = '/usr/bin/chromium';
const skip =
  WITHOUT_POSTGRES || WITHOUT_MOSQUITTO || (existsSync(CHROMIUM) ? false : 'chromium is not installed');

/** What stands upon the database. While it is away and readings come, ingest spools. */
const UPON_DATABASE = 'alerts database ingest news people times';
/** A TTL of 4 s, a check each second, the page's 2 s; twice that for a busy machine. */
const TOLD_MS = 15_000;
/** What was tried in vain is tried again after 5 s at the latest. */
const BACK_MS = 25_000;

test('database, broker, mail and the process itself go and come back under load: nothing is lost, nothing twice, and the pages say what is so', {
  skip,
  timeout: (120 + 120 * ROUNDS) * 1_000,
}, async (t) => {
  const world = await makeWorld(t);
  const nodes = Array.from({ length: NODES }, (_, i) => new LoadNode(world.brokerUrl, world.fleetKey, i + 1));
  t.after(() => Promise.all(nodes.map((node) => node.stop())));
  await until('rows of all nodes', async () => (await held(world)).rows.size === NODES);
  const pages = await openPages(t, world, nodes[0]!.id);
  const told = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round++)
    await outages(world, pages, told).catch((error: Error) => {
      throw new Error(`round ${round}: ${error.message}\n${world.said()}`);
    });
  for (const [what, tookMs] of told)
    t.diagnostic(`${what}: the pages say so after ${Math.max(...tookMs)} ms at the most`);
  for (const node of nodes) node.rest();
  await until('all blocks have receipts', () => nodes.every(({ waiting }) => waiting === 0));
  await accounted(t, world, nodes);
});

async function openPages(t: TestContext, { web }: World, node: string): Promise<readonly Page[]> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  t.after(() => browser.close());
  const open = async (path: string) => {
    const page = await browser.newPage();
    await page.goto(web + path);
    return page;
  };
  const pages = [await open(`/nodes/${node}`), await open('/health')];
  await shows(pages, 'all is well', { down: '', isOld: false, isLive: true }, { withinMs: TOLD_MS });
  return pages;
}

/** Each part once; mail is away while the database goes and comes back. */
async function outages({ parts }: World, pages: readonly Page[], told: Map<string, number[]>): Promise<void> {
  const expect = async (what: string, down: string, withinMs: number) => {
    const tookMs = await shows(pages, what, { down, isLive: true }, { withinMs });
    told.set(what, [...(told.get(what) ?? []), tookMs]);
  };
  await parts.mail.stop();
  await expect('mail gone', 'mail', TOLD_MS);
  await parts.database.stop();
  await expect('database gone too', `${UPON_DATABASE} mail`.split(' ').sort().join(' '), TOLD_MS);
  await shows(pages.slice(0, 1), 'shown as it was', { isOld: true }, { withinMs: TOLD_MS });
  await parts.database.start();
  await expect('database back', 'mail', BACK_MS);
  await shows(pages, 'shown as it is', { isOld: false }, { withinMs: BACK_MS });
  await parts.mail.start();
  await expect('mail back', '', BACK_MS);
  await parts.broker.stop();
  await expect('broker gone', 'broker', TOLD_MS);
  await parts.broker.start();
  await expect('broker back', '', BACK_MS);
  await parts.process.stop();
  await shows(pages, 'the process is gone', { isLive: false }, { withinMs: TOLD_MS });
  await parts.process.start();
  await expect('process back', '', BACK_MS);
}

interface Held {
  /** A node, and its rows of climate. */
  readonly rows: ReadonlyMap<string, { readonly rows: bigint; readonly numbers: bigint }>;
  readonly alerts: ReadonlyMap<string, bigint>;
  readonly deliveries: Readonly<Record<string, bigint>>;
}

/** By the database itself, past all of ours. */
async function held({ databaseUrl }: World): Promise<Held> {
  const db = openDatabase(databaseUrl);
  try {
    const rows = await db.query<{ node: string; rows: bigint; numbers: bigint }>(
      `SELECT e.node, count(*) AS rows, count(DISTINCT r.seq) AS numbers
       FROM reading r JOIN stream s ON s.id = r.stream_id JOIN epoch e ON e.id = s.epoch_id WHERE s.name = 'climate' GROUP BY e.node`,
    );
    const alerts = await db.query<{ node: string; n: bigint }>(
      'SELECT node, count(*) AS n FROM alert GROUP BY node',
    );
    const deliveries = await db.query<{ state: string; n: bigint }>(
      'SELECT state, count(*) AS n FROM delivery GROUP BY state',
    );
    return {
      rows: new Map(rows.map((row) => [row.node, row])),
      alerts: new Map(alerts.map(({ node, n }) => [node, n])),
      deliveries: Object.fromEntries(deliveries.map(({ state, n }) => [state, n])),
    };
  } finally {
    await db.close();
  }
}

async function accounted(t: TestContext, world: World, nodes: readonly LoadNode[]): Promise<void> {
  const sum = (of: 'climate' | 'alarms') => nodes.reduce((n, { committed }) => n + committed[of], 0);
  const distinct = () => new Set(world.mails.map(({ messageId }) => messageId)).size;
  const isTold = () => distinct() >= sum('alarms');
  const late = await until('a mail of each alarm', isTold, 180_000).catch((error: Error) => error);
  const { rows, alerts, deliveries } = await held(world);
  if (late) {
    const opened = [...alerts.values()].reduce((n, each) => n + each, 0n);
    const states = Object.entries(deliveries).map(([state, n]) => `${n} ${state}`);
    assert.fail(
      `${sum('alarms')} alarms, ${opened} alerts, ${distinct()} mails; deliveries: ${states.join(', ')}\n${world.said()}`,
    );
  }
  for (const { id, committed } of nodes) {
    const { rows: n, numbers } = rows.get(id)!;
    assert.deepEqual([n, numbers], [BigInt(committed.climate), BigInt(committed.climate)], id);
    assert.equal(alerts.get(id) ?? 0n, BigInt(committed.alarms), `alerts of ${id}`);
  }
  assert.equal(distinct(), sum('alarms'), 'a mail for each alert, and no other');
  const again = world.mails.length - distinct();
  t.diagnostic(
    `${sum('climate')} readings and ${sum('alarms')} alarms sent, each held once; ${distinct()} mails, ${again} of them sent again under their Message-ID; deliveries ${JSON.stringify(deliveries, (_, n) => (typeof n === 'bigint' ? Number(n) : n))}`,
  );
}
