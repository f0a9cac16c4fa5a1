import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { healthOf } from '../../../fleet/web/pages/node-health.js';
import { HOSTILE, NOW_MS } from './fake-store.js';
import { ADA, page, serve } from './served.js';

const served = serve();
const { app, store } = served;
after(() => app.close());
const PAGES = ['/', '/nodes/a1b2c3d400000000', '/logs', '/health'];

for (const path of PAGES) {
  test(`${path} is a page with its own styles and scripts only`, async () => {
    const { statusCode, headers, body } = await page(app, path);
    assert.equal(statusCode, 200);
    assert.match(String(headers['content-type']), /^text\/html/);
    assert.match(String(headers['content-security-policy']), /default-src 'none'; script-src 'self'/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.ok(!/<script(?! type="module" src="\/assets\/[a-z.]+">)/.test(body), 'a script of another kind');
    assert.ok(!/ style=| on[a-z]+="/.test(body), 'an inline style or handler');
    assert.ok(!/(src|href)="(https?:)?\/\//.test(body), 'something from elsewhere');
  });

  test(`${path} escapes what nodes say`, async () => {
    const { body } = await page(app, path);
    assert.ok(!body.includes(HOSTILE));
    assert.ok(!body.includes('<b>truck</b>'));
    if (path !== '/health')
      assert.ok(body.includes('&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#34;onload=1'));
  });

  test(`all that ${path} loads is there`, async () => {
    const { body } = await page(app, path);
    const files = [...body.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, file]) => file!);
    assert.ok(files.length > 1);
    for (const url of files) assert.equal((await app.inject(url)).statusCode, 200, url);
  });
}

test('the list tells nodes by group and state, in words', async () => {
  const { body } = await page(app, '/');
  // Of 24 nodes: every 3rd is prod; of six, three are live, one is late, one has a backlog, one is silent.
  assert.match(body, /24 nodes/);
  assert.match(body, /8<span class="hidden"> live in prod/);
  assert.match(body, /4<span class="hidden"> backlog in stage/);
  assert.match(body, /4<span class="hidden"> silent in dev/);
});

test('a filter of the list leaves the others out', async () => {
  const { body } = await page(app, '/?group=dev&state=silent&search=hut');
  const rows = [...body.matchAll(/<tr><th scope="row"><a href="\/nodes\//g)];
  assert.equal(
    rows.length,
    store.summaries.filter((one) => one.group === 'dev' && one.state === 'silent').length,
  );
  assert.equal((await page(app, '/?group=none')).statusCode, 400);
  assert.match((await page(app, '/?search=nowhere')).body, /No node is like that/);
});

test('a fleet without a node says how one comes here', async () => {
  const strange = serve();
  strange.person = { ...ADA, roles: {} };
  assert.match((await page(strange.app, '/')).body, /No node of yours has been heard yet.*uplink\.url/);
});

test('a node that is late or silent says for how long, and what its last word was', async () => {
  const node = store.summaries.find(({ state }) => state === 'silent')!;
  const said = async (path = `/nodes/${node.node}`) => (await page(app, path)).body;
  assert.match(await said(), /Nothing has come for \d+ (s|min|h|d)\. It never said goodbye/);
  const live = store.summaries.find(({ state }) => state === 'live')!;
  assert.ok(!(await said(`/nodes/${live.node}`)).includes('Nothing has come'));
});

test('a mark of the map leads closer, where only those within are shown', async () => {
  const { latitude, longitude } = store.summaries[0]!.position!;
  const box = [latitude - 0.001, longitude - 0.001, latitude + 0.001, longitude + 0.001].join(',');
  const { body } = await page(app, `/?box=${box}`);
  assert.match(body, /1 of 1 has said where it is/);
  assert.equal((await page(app, '/?box=1,2,3')).statusCode, 400);
});

test('the list has pages of 100', async () => {
  const many = serve(250);
  const { body } = await page(many.app, '/?page=3');
  assert.match(body, /Page 3 of 3/);
  assert.equal([...body.matchAll(/<tr><th scope="row"><a href="\/nodes\//g)].length, 50);
  await many.app.close();
});

test('who may see one group only sees nothing of the others', async () => {
  served.person = { ...ADA, roles: { dev: 'viewer' } };
  const [prod, , dev] = store.summaries;
  const { body } = await page(app, '/');
  const [logs, allowed, refused] = [
    await page(app, '/logs?group=prod'),
    await page(app, `/nodes/${dev!.node}`),
    await page(app, `/nodes/${prod!.node}`),
  ];
  const [series, metrics] = [await app.inject('/api/v1/streams/0/series'), await app.inject('/metrics')];
  served.person = ADA;
  assert.ok(!body.includes(prod!.node) && body.includes(dev!.node));
  assert.deepEqual(
    [logs.statusCode, allowed.statusCode, refused.statusCode, series.statusCode],
    [403, 200, 404, 404],
  );
  assert.match(metrics.body, /cairn_nodes\{state="live"\} 0\n/);
});

test('a node says its health, its losses, conflicts and boots', async () => {
  const { body } = await page(app, '/nodes/a1b2c3d400000000');
  for (const said of [
    /54\.3 °C/,
    /512\.0 MiB/,
    /yes <strong>not well/,
    /<strong>120 lost<\/strong> \(the node had no room left and gave up its oldest\)/,
    /120 rows, numbers 900 to 1,019/,
    /at most 64 rows, numbers 40 to 103/,
    /0000beef/,
    /3 contradicted/,
    /data-label="Rows" >3 rows</,
    /Removed by retention: 7,000 rows, until .* UTC<\/time>\./,
    /time not known/,
    /± 12 ms/,
    /suspect/,
  ])
    assert.match(body, said);
  assert.equal((await page(app, '/nodes/nobody')).statusCode, 404);
  assert.equal((await page(app, `/nodes/${encodeURIComponent('senml:<b>truck</b>')}`)).statusCode, 200);
});

test('logs go on page by page, without script', async () => {
  const seen: string[] = [];
  let path: string | undefined = '/logs?level=warn';
  while (path) {
    const { body } = await page(app, path);
    seen.push(...[...body.matchAll(/<td class="text">line (\d+)/g)].map(([, number]) => number!));
    path = /<a href="([^"]+)" rel="next"/.exec(body)?.[1]?.replaceAll('&#38;', '&');
  }
  // Of five lines, one warns and one is an error; there are 450.
  assert.equal(seen.length, 180);
  assert.equal(new Set(seen).size, 180);
});

test('who sees some groups only is told whose lines these are, and chooses among theirs', async () => {
  served.person = { ...ADA, roles: { dev: 'viewer', stage: 'viewer' } };
  const { body } = await page(app, '/logs');
  const older = /<a href="([^"]+)" rel="next"/.exec(body)?.[1];
  served.person = ADA;
  const [, choices] = /<select name="group">(.*?)<\/select>/.exec(body)!;
  assert.deepEqual(
    [...choices!.matchAll(/<option value="(\w*)" (selected)?>/g)].map(([, value, is]) => [value, is]),
    [
      ['stage', 'selected'],
      ['dev', undefined],
    ],
  );
  assert.match(older!, /group=stage/);
  const [, all] = /<select name="group">(.*?)<\/select>/.exec((await page(app, '/logs')).body)!;
  assert.match(all!, /<option value="" selected>all/);
});

test('the log of a node is that of its own group, whichever of theirs is first', async () => {
  const stage = store.summaries.find(({ group }) => group === 'stage')!;
  const prod = store.summaries.find(({ group }) => group === 'prod')!;
  served.person = { ...ADA, roles: { prod: 'viewer', stage: 'viewer' } };
  const [own] = /<select name="group">.*?<\/select>/.exec(
    (await page(app, `/logs?node=${stage.node}`)).body,
  )!;
  served.person = { ...ADA, roles: { dev: 'viewer', stage: 'viewer' } };
  const [other] = /<select name="group">.*?<\/select>/.exec(
    (await page(app, `/logs?node=${prod.node}`)).body,
  )!;
  served.person = ADA;
  assert.match(own!, /value="stage" selected/);
  assert.match(other!, /value="stage" selected/);
});

test('logs of a window', async () => {
  const from = new Date(NOW_MS - 100_000).toISOString().slice(0, 19);
  const { body } = await page(app, `/logs?from=${from}&to=&level=&text=`);
  // A line each 47 s.
  assert.equal([...body.matchAll(/<td class="text">/g)].length, 3);
});

test('a service that is down is said on every page', async () => {
  const well = served.services;
  served.services = [{ name: '<mail>', state: 'unhealthy', sinceMs: NOW_MS - 90_000, why: 'refused' }];
  for (const path of [...PAGES, '/nowhere']) {
    const { body } = await page(app, path);
    assert.match(body, /class="notice"><strong>&#60;mail&#62;<\/strong> is down, for 90 s: refused/, path);
  }
  assert.equal((await app.inject('/health')).statusCode, 503);
  served.services = well;
  assert.ok(!(await page(app, '/')).body.includes('class="notice"'));
});

test('while the database is down, pages are shown as they were, with their age', async () => {
  const path = '/nodes/a1b2c3d400000000';
  const before = await page(app, path);
  store.isDown = true;
  served.nowMs += 180_000;
  const kept = await page(app, path);
  const unseen = await page(app, '/logs?text=never');
  served.person = { ...ADA, id: 'ben', name: 'Ben', key: 'other' };
  const stranger = await page(app, path);
  served.person = ADA;
  const call = await app.inject('/api/v1/nodes');
  store.isDown = false;
  served.nowMs = NOW_MS;
  assert.equal(kept.statusCode, 200);
  assert.match(kept.body, /The database doesn't answer\.<\/strong> This page is shown as it was at/);
  const bare = (body: string) => body.replace(/<p class="notice">.*?<\/p>/g, '');
  assert.equal(bare(kept.body), bare(before.body));
  assert.deepEqual([stranger.statusCode, unseen.statusCode, call.statusCode], [503, 503, 503]);
  assert.equal(call.headers['retry-after'], '10');
  assert.match((await page(app, path)).body, /20 s ago/);
});

test('nobody learns of /health no more than whether all is well', async () => {
  served.person = undefined;
  const { body } = await app.inject('/health');
  served.person = ADA;
  assert.equal(body, '{"status":"ok"}');
  const detail = (await app.inject('/health')).json();
  assert.deepEqual((await app.inject('/api/v1/health')).json(), detail);
  assert.deepEqual(detail.services[0], {
    name: 'database',
    state: 'healthy',
    since: '2026-11-20T10:00:00.000Z',
  });
});

test('who may, gives a node its name and group; it is said in the audit', async () => {
  const url = '/nodes/a1b2c3d400000000';
  const post = (payload: Record<string, string>) => app.inject({ method: 'POST', url, payload });
  assert.match((await page(app, url)).body, /name="csrf" value="token of the session"/);
  const { statusCode, headers } = await post({ name: ' Hut <1> ', group: 'stage' });
  assert.deepEqual([statusCode, headers.location], [303, url]);
  assert.deepEqual(store.renamed, [['a1b2c3d400000000', { name: 'Hut <1>', group: 'stage' }]]);
  assert.deepEqual(
    served.audited.map(({ who, action, about }) => [who, action, about]),
    [['Ada', 'node.rename', 'a1b2c3d400000000']],
  );
  for (const name of ['', 'Hut\r\nBcc: eve@example.org', 'Hut\u202e7', 'Hut\u0000'])
    assert.equal((await post({ name, group: 'stage' })).statusCode, 400, JSON.stringify(name));
  served.person = { ...ADA, roles: { prod: 'operator', stage: 'viewer' } };
  const moved = await post({ name: 'Hut', group: 'stage' });
  served.person = { ...ADA, roles: { prod: 'viewer' } };
  const { body } = await page(app, url);
  const refused = await post({ name: 'Hut', group: 'prod' });
  served.person = undefined;
  const nobody = await post({ name: 'Hut', group: 'prod' });
  served.person = ADA;
  assert.ok(!body.includes('name="csrf"'));
  assert.deepEqual([moved.statusCode, refused.statusCode, nobody.statusCode], [403, 403, 403]);
  assert.equal(store.renamed.length, 1);
});

test('why a node is not well, by its own word: causes with what to do, its parts, its figures, and how old they are', async () => {
  const { body } = await page(app, '/nodes/a1b2c3d400000000');
  const text = body.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');
  // 90 minutes as it said it, three minutes ago.
  assert.match(text, /motion doesn’t answer at i2c-1 0x68 .* began 93 min ago/);
  assert.match(text, /What to do: look at its plug and its supply/);
  assert.match(text, /And 1 more: cairn why/);
  assert.match(text, /motion missing climate ok gps starting and 2 more/);
  assert.match(text, /Flash lasts, at this rate 4 years 117\.7 MiB a day/);
  assert.match(text, /Budget of bytes 390\.6 KiB over not well/);
  assert.match(text, /Configuration on trial, 8 min left 5f3a90c17b2e/);
  assert.match(text, /Its last run ended by watchdog \(killed ABRT\)/);
  assert.match(text, /As the node said it 3 min ago, 2026-11-20 11:57:00 UTC/);
  assert.ok(body.indexOf('class="causes"') < body.indexOf('class="facts tiles"'), 'causes first');
  const { body: list } = await page(app, '/');
  assert.match(list, /<small class="bad">part missing<\/small>/);
  assert.match(list, /<small class="bad">machine under voltage<\/small>/);
});

test('a battery is shown by whatever measures it: a channel of that name, or the first voltage of a part of that name', async () => {
  const node = (await store.node('a1b2c3d400000002', NOW_MS))!;
  const volts = (stream: string, name: string) => ({
    ...node.streams[0]!,
    stream,
    channels: [{ name, quantity: 'voltage' as const, type: { kind: 'decimal' as const, scale: 2 } }],
    latest: { sequence: 1n, wallNs: undefined, values: [3.7] },
  });
  const shown = (stream: string, name: string) => healthOf(node, [volts(stream, name)], NOW_MS).text;
  for (const html of [shown('tracker', 'battery'), shown('battery', 'busVoltage')])
    assert.match(html, /<dt>Battery<\/dt><dd>3\.70 V/);
  assert.equal(shown('mains', 'busVoltage'), '');
});
